/** Who calls, and what he may do: tokens, roles, the secret of the workers, rates. */
package io.sluice.functions.auth;
