package io.sluice.plan;

import io.sluice.model.InvalidValueException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * Prices in US dollars of what a load uses.
 *
 * @param gbSecond of a function: 1 GiB of memory for a second
 * @param invocation of a function
 * @param get of an object or a range of it
 * @param put of an object
 * @param gbMonth of storage, decimal as it is billed
 */
public record LoadPrices(
    double gbSecond, double invocation, double get, double put, double gbMonth) {
  /** Of which year the prices below are. */
  public static final String YEAR = "2025";

  /**
   * List prices of AWS in us-east-1, first tier, without the free tier: Lambda on x86, S3 Standard.
   * Between the two in one region bytes cost nothing.
   *
   * @see <a href="https://aws.amazon.com/lambda/pricing/">Lambda</a>
   * @see <a href="https://aws.amazon.com/s3/pricing/">S3</a>
   */
  public static final LoadPrices AWS =
      new LoadPrices(0.0000166667, 0.20 / 1e6, 0.0004 / 1e3, 0.005 / 1e3, 0.023);

  public LoadPrices {
    for (double price : new double[] {gbSecond, invocation, get, put, gbMonth}) {
      if (!(price >= 0) || price == Double.POSITIVE_INFINITY) {
        throw new InvalidValueException(
            "price-invalid", "a price is a number of dollars of at least 0, got " + price);
      }
    }
  }

  /** The prices by the names that {@link #with} knows. */
  public Map<String, Double> byName() {
    Map<String, Double> prices = new LinkedHashMap<>();
    prices.put("gb-second", gbSecond);
    prices.put("invocation", invocation);
    prices.put("get", get);
    prices.put("put", put);
    prices.put("gb-month", gbMonth);
    return prices;
  }

  /** The same with other prices for those named. */
  public LoadPrices with(Map<String, Double> others) {
    Map<String, Double> prices = byName();
    others.forEach(
        (name, price) -> {
          if (prices.replace(name, price) == null) {
            throw new InvalidValueException(
                "price-invalid",
                "there is no price '" + name + "'; there are " + new TreeSet<>(prices.keySet()));
          }
        });
    return new LoadPrices(
        prices.get("gb-second"),
        prices.get("invocation"),
        prices.get("get"),
        prices.get("put"),
        prices.get("gb-month"));
  }

  /**
   * What a load costs.
   *
   * @param compute of the functions by time and memory
   * @param invocations of the functions
   * @param gets of the chunks
   * @param puts of the shards, once, when the model is uploaded
   * @param storageMonth of S for a month
   */
  public record Cost(
      double compute, double invocations, double gets, double puts, double storageMonth) {
    /** What each load costs; upload and storage come on top. */
    public double load() {
      return compute + invocations + gets;
    }
  }

  /**
   * The cost of a load.
   *
   * @param functionBytes memory that each function has and is billed for
   */
  public Cost of(LoadEstimate load, long functionBytes) {
    return new Cost(
        load.workers() * load.seconds() * (functionBytes / (double) (1L << 30)) * gbSecond,
        load.workers() * invocation,
        load.requests() * get,
        load.shards() * put,
        load.totalBytes() / 1e9 * gbMonth);
  }
}
