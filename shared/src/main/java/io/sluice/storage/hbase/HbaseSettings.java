package io.sluice.storage.hbase;

import io.sluice.model.InvalidValueException;
import java.net.URI;
import java.util.List;

/**
 * Where an HBase is and how it is used.
 *
 * @param gateways addresses of its REST gateways, such as {@code http://host:8080}; all of one
 *     cluster, asked in turn
 * @param table the table, with a namespace or without
 * @param create whether to make the table if it is not there, in one region that HBase splits as it
 *     grows
 * @param parallelism cells of one object that are read or written at once
 */
public record HbaseSettings(List<URI> gateways, String table, boolean create, int parallelism) {
  /** Cells of one object under way at once, at most. */
  private static final int MAX_PARALLELISM = 64;

  public HbaseSettings {
    gateways = List.copyOf(gateways);
    if (gateways.isEmpty()) {
      throw invalid("HBase needs the address of at least one REST gateway");
    }
    for (URI gateway : gateways) {
      boolean web = "http".equals(gateway.getScheme()) || "https".equals(gateway.getScheme());
      if (!web || gateway.getHost() == null || gateway.getRawQuery() != null) {
        throw invalid(
            "the address of a REST gateway is like http://hbase:8080, got '" + gateway + "'");
      }
    }
    if (!table.matches("([A-Za-z0-9_]+:)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")) {
      throw invalid(
          "the name of a table has letters, digits, '_', '.' and '-', perhaps a namespace and a"
              + " colon in front, got '"
              + table
              + "'");
    }
    if (parallelism < 1 || parallelism > MAX_PARALLELISM) {
      throw invalid("cells are moved 1 to " + MAX_PARALLELISM + " at once, got " + parallelism);
    }
  }

  private static InvalidValueException invalid(String message) {
    return new InvalidValueException("hbase-settings-invalid", message);
  }
}
