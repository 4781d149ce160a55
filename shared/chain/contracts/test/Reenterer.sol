// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../Escrow.sol";
import {EscrowFactory} from "../EscrowFactory.sol";

/// @notice A payer or payee that tries every action again while it is being paid. For tests only.
contract Reenterer {
    /// @notice How often it was paid, and how many of its actions went through meanwhile.
    uint256 public payments;
    uint256 public successes;

    receive() external payable {
        payments++;
        Escrow escrow = Escrow(msg.sender);
        try escrow.release() {
            successes++;
        } catch {}
        try escrow.refund() {
            successes++;
        } catch {}
        try escrow.approve() {
            successes++;
        } catch {}
    }

    function create(EscrowFactory factory, address payee) external payable returns (address) {
        return factory.createEscrow{value: msg.value}(payee, 0, 1, address(0));
    }

    function refund(Escrow escrow) external {
        escrow.refund();
    }
}
