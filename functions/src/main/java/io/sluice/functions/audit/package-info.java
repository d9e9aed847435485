/**
 * Who has changed what is stored: one line of JSON for each publish, tag, removal and collection.
 */
package io.sluice.functions.audit;
