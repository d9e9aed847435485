/** Configuration of the dev services; everything else is in the deployment module. */
package io.sluice.devservices;
