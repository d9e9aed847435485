/** What the product does when it is measured, and the data that it is measured with. */
package io.sluice.functions.bench;
