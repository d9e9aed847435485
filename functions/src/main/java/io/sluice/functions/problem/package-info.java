/** Errors as clients see them: RFC 9457 documents, HTTP statuses, exit codes. */
package io.sluice.functions.problem;
