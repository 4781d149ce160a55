// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../Escrow.sol";
import {EscrowFactory} from "../EscrowFactory.sol";

/// @notice A payer or payee that takes no ether. For tests only.
contract RefusingParty {
    function create(EscrowFactory factory, address payee) external payable returns (address) {
        return factory.createEscrow{value: msg.value}(payee, 0, 1, address(0));
    }

    function refund(Escrow escrow) external {
        escrow.refund();
    }
}
