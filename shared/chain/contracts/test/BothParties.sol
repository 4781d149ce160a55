// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../Escrow.sol";
import {EscrowFactory} from "../EscrowFactory.sol";

/// @notice The payee of BothParties: approves when told to, and takes its pay.
contract SecondParty {
    receive() external payable {}

    function approve(Escrow escrow) external {
        escrow.approve();
    }
}

/// @notice Payer, and through a contract of its own payee: two parties that approve in one transaction. For tests only.
contract BothParties {
    SecondParty public immutable payee = new SecondParty();

    receive() external payable {}

    /// @notice Creates an escrow that needs both approvals; the address is in the factory's event.
    function create(EscrowFactory factory, uint256 releaseDelay) external payable returns (address) {
        return factory.createEscrow{value: msg.value}(address(payee), releaseDelay, 2, address(0));
    }

    function approveBoth(Escrow escrow) external {
        escrow.approve();
        payee.approve(escrow);
    }
}
