// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Escrow
/// @notice Holds one deposit until the required parties approve and the release time has passed (then it goes to the
/// payee), or until the payer takes it back after the refund time. It ends once, and nobody owns or upgrades it.
/// @dev Every rule about the parties is checked here and not in the factory, so that no deployment can get round it.
/// Ether forced in (self-destruct, block reward) isn't part of the deposit and can't be paid out.
contract Escrow {
    enum Status {
        Active,
        Released,
        Refunded
    }

    event ApprovalGranted(address indexed approver);
    event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp);
    event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp);
    event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter);

    error NoDeposit();
    error InvalidPayer(address payer);
    error InvalidPayee(address payee);
    error InvalidArbiter(address arbiter);
    error InvalidApprovalsRequired(uint8 approvalsRequired);
    error DelayTooLong(uint256 delay, uint256 maximum);
    error NotAnApprover(address caller);
    error AlreadyApproved(address caller);
    error NotPayer(address caller);
    error NotArbiter(address caller);
    error NotEnoughApprovals(uint8 approvals, uint8 approvalsRequired);
    error TooEarly(uint256 allowedFrom);
    error AlreadyEnded(Status status);
    error TransferFailed(address to, uint256 amount);

    /// @notice Upper bound of either delay in seconds: sums of two and a timestamp stay far below 2^256.
    uint256 public constant MAX_DELAY = 36_500 days;

    uint8 private constant PAYER = 1;
    uint8 private constant PAYEE = 2;
    uint8 private constant ARBITER = 4;

    address public immutable payer;
    address public immutable payee;
    /// @notice The deposit, in wei.
    uint256 public immutable amount;
    /// @notice Unix time in seconds from which the deposit may be released.
    uint256 public immutable releaseTime;
    /// @notice Unix time in seconds from which the payer may take the deposit back.
    uint256 public immutable refundTime;
    /// @notice 1: the payer approves; 2: the payee too; 3: the arbiter too.
    uint8 public immutable approvalsRequired;

    /// @notice Zero when there is none.
    address public arbiter;
    Status public status;
    /// @dev One bit per role, so that a party who is replaced doesn't get a second vote.
    uint8 private approvedRoles;

    constructor(
        address payer_,
        address payee_,
        address arbiter_,
        uint256 releaseDelay,
        uint256 refundDelay,
        uint8 approvalsRequired_
    ) payable {
        if (msg.value == 0) revert NoDeposit();
        if (payer_ == address(0)) revert InvalidPayer(payer_);
        if (payee_ == address(0) || payee_ == payer_) revert InvalidPayee(payee_);
        if (arbiter_ == payer_ || arbiter_ == payee_) revert InvalidArbiter(arbiter_);
        if (approvalsRequired_ == 0 || approvalsRequired_ > 3) revert InvalidApprovalsRequired(approvalsRequired_);
        if (approvalsRequired_ == 3 && arbiter_ == address(0)) revert InvalidArbiter(arbiter_);
        if (releaseDelay > MAX_DELAY) revert DelayTooLong(releaseDelay, MAX_DELAY);
        if (refundDelay > MAX_DELAY) revert DelayTooLong(refundDelay, MAX_DELAY);
        payer = payer_;
        payee = payee_;
        arbiter = arbiter_;
        amount = msg.value;
        releaseTime = block.timestamp + releaseDelay;
        refundTime = block.timestamp + releaseDelay + refundDelay;
        approvalsRequired = approvalsRequired_;
    }

    modifier beforeEnd() {
        if (status != Status.Active) revert AlreadyEnded(status);
        _;
    }

    /// @notice Approves for the caller's role: payer, payee (if two or more approvals are required) or present arbiter (if three are).
    function approve() external beforeEnd {
        uint8 role = requiredRoleOf(msg.sender);
        if (role == 0) revert NotAnApprover(msg.sender);
        if (approvedRoles & role != 0) revert AlreadyApproved(msg.sender);
        approvedRoles |= role;
        emit ApprovalGranted(msg.sender);
    }

    /// @notice Pays the deposit to the payee; anyone may call it once all required parties approved and the release time has passed.
    function release() external beforeEnd {
        uint8 given = approvals();
        if (given < approvalsRequired) revert NotEnoughApprovals(given, approvalsRequired);
        if (block.timestamp < releaseTime) revert TooEarly(releaseTime);
        status = Status.Released;
        emit EscrowReleased(payee, amount, block.timestamp);
        pay(payee);
    }

    /// @notice Gives the deposit back to the payer, who alone may call it, from the refund time on.
    function refund() external beforeEnd {
        if (msg.sender != payer) revert NotPayer(msg.sender);
        if (block.timestamp < refundTime) revert TooEarly(refundTime);
        status = Status.Refunded;
        emit EscrowRefunded(payer, amount, block.timestamp);
        pay(payer);
    }

    /// @notice Lets the present arbiter name another one. The role's approval, once given, stays given.
    function changeArbiter(address newArbiter) external beforeEnd {
        address oldArbiter = arbiter;
        if (msg.sender != oldArbiter) revert NotArbiter(msg.sender);
        if (newArbiter == address(0) || newArbiter == payer || newArbiter == payee || newArbiter == oldArbiter) {
            revert InvalidArbiter(newArbiter);
        }
        arbiter = newArbiter;
        emit ArbiterChanged(oldArbiter, newArbiter);
    }

    /// @notice Number of roles that have approved.
    function approvals() public view returns (uint8) {
        return (approvedRoles & PAYER) + ((approvedRoles & PAYEE) >> 1) + ((approvedRoles & ARBITER) >> 2);
    }

    /// @notice Whether the role that `party` holds now is required and has approved.
    function hasApproved(address party) external view returns (bool) {
        return approvedRoles & requiredRoleOf(party) != 0;
    }

    function requiredRoleOf(address party) private view returns (uint8) {
        if (party == payer) return PAYER;
        if (party == payee && approvalsRequired >= 2) return PAYEE;
        if (party == arbiter && approvalsRequired == 3) return ARBITER;
        return 0;
    }

    function pay(address to) private {
        (bool paid,) = to.call{value: amount}("");
        if (!paid) revert TransferFailed(to, amount);
    }
}
