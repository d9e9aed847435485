/** Real servers as processes that tests start, kill and start again. */
package io.sluice.servers;
