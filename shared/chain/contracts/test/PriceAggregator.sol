// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A price feed with Chainlink's interface, whose price anybody may set. For local chains and tests only.
contract PriceAggregator {
    uint8 public immutable decimals;
    string public description;

    uint80 private round;
    int256 private price;
    uint256 private setAt;

    constructor(uint8 decimals_, string memory description_, int256 answer, uint256 updatedAt) {
        decimals = decimals_;
        description = description_;
        set(answer, updatedAt);
    }

    /// @param updatedAt Seconds since 1970: the time that the price claims to be of, which needn't be the block's.
    function set(int256 answer, uint256 updatedAt) public {
        round += 1;
        price = answer;
        setAt = updatedAt;
    }

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return (round, price, setAt, setAt, round);
    }
}
