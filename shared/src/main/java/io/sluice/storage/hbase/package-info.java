/** Objects as rows of an HBase table, over its REST gateway. */
package io.sluice.storage.hbase;
