/** Where models are uploaded from: a local folder, an object store, a web server. */
package io.sluice.source;
