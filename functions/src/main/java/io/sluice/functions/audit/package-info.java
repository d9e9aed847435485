/** Who has changed what is stored: one line of JSON for each publish, tag and removal. */
package io.sluice.functions.audit;
