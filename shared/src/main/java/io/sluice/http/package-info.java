/**
 * A small blocking HTTP/1.1 client that moves bodies between sockets and memory segments without a
 * copy in between. It knows nothing of stores: adapters give it signed requests.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112">RFC 9112, HTTP/1.1</a>
 */
package io.sluice.http;
