package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.auth.Role;
import io.sluice.functions.auth.StaticTokens;
import java.security.SecureRandom;
import java.util.Base64;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code token}: a token for a caller, and the setting that lets it in. */
@Command(
    name = "token",
    description = {
      "Makes a token for a caller of a server and the entry of sluice.auth.tokens that lets it in.",
      "Nothing is stored: the caller keeps the token, the server only the entry."
    })
final class TokenCommand extends SluiceCommand {
  private static final int BYTES = 32;

  @Parameters(paramLabel = "NAME", description = "Who it is for, as audit lines will call him.")
  String name;

  @Option(
      names = "--role",
      paramLabel = "ROLE",
      required = true,
      description = "What he may do: read, write or admin.")
  String role;

  @Override
  Needs needs() {
    return Needs.NOTHING;
  }

  @Override
  public Integer call() {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    String token = Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    Role what = Role.parse(role);
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("name", name)
            .put("role", what.text())
            .put("token", token)
            .put("entry", StaticTokens.line(name, what, token));
    print(
        result,
        out -> {
          out.printf("token  %s%n", token);
          out.printf("entry  %s%n", result.get("entry").textValue());
        });
    return 0;
  }
}
