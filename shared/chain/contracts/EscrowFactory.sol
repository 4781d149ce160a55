// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "./Escrow.sol";

/// @title EscrowFactory
/// @notice Deploys escrows; `EscrowDeployed` is the record of every one. It holds no funds and has no owner.
contract EscrowFactory {
    event EscrowDeployed(
        address indexed escrow,
        address indexed payer,
        address indexed payee,
        address arbiter,
        uint256 amount,
        uint256 releaseDelay,
        uint8 approvalsRequired
    );

    error DelayTooLong(uint256 delay, uint256 maximum);

    /// @notice Seconds after an escrow's release time from which its payer may take the deposit back.
    uint256 public immutable refundDelay;

    constructor(uint256 refundDelay_) {
        // Escrow's MAX_DELAY: a longer one would make a factory whose every escrow fails.
        if (refundDelay_ > 36_500 days) revert DelayTooLong(refundDelay_, 36_500 days);
        refundDelay = refundDelay_;
    }

    /// @notice Deploys an escrow that holds the ether sent; the caller is its payer.
    /// @param payee Who is paid on release.
    /// @param releaseDelay Seconds from now to the release time.
    /// @param approvalsRequired 1: payer; 2: payer and payee; 3: payer, payee and arbiter.
    /// @param arbiter Third party; zero for none, unless three approvals are required.
    function createEscrow(address payee, uint256 releaseDelay, uint8 approvalsRequired, address arbiter)
        external
        payable
        returns (address)
    {
        Escrow escrow =
            new Escrow{value: msg.value}(msg.sender, payee, arbiter, releaseDelay, refundDelay, approvalsRequired);
        emit EscrowDeployed(
            address(escrow), msg.sender, payee, arbiter, msg.value, releaseDelay, approvalsRequired
        );
        return address(escrow);
    }
}
