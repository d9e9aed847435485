/** Models on their way from one store to another. */
package io.sluice.copy;
