package io.sluice.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class JsonObjectTest {
  @Test
  void readsEachType() throws IOException {
    JsonObject json = object("{'a':'x','b':7,'c':true,'d':['p','q'],'e':null,'f':{'g':1}}");

    assertThat(json.text("a")).isEqualTo("x");
    assertThat(json.optionalLong("b", 0, 7)).hasValue(7);
    assertThat(json.optionalInt("b", 0, 7)).hasValue(7);
    assertThat(json.flag("c", false)).isTrue();
    assertThat(json.texts("d")).isEqualTo(List.of("p", "q"));
    assertThat(json.optionalText("e")).isEmpty();
    assertThat(json.any("f")).isPresent();
    assertThat(json.flag("absent", true)).isTrue();
    assertThat(json.texts("absent")).isEmpty();
    json.end();
  }

  @Test
  void noObjectIsAnEmptyOne() {
    JsonObject json = new JsonObject("thing", null);
    assertThat(json.optionalText("a")).isEmpty();
    json.end();
  }

  @Test
  void namesTheUnknownField() throws IOException {
    JsonObject json = object("{'a':'x','zz':1}");
    json.text("a");
    refused(json::end, "field-unknown", "zz");
  }

  @Test
  void namesTheMissingField() {
    refused(() -> object("{}").text("model"), "field-missing", "model");
  }

  @Test
  void namesFieldBoundAndValue() {
    refused(() -> object("{'n':8}").optionalLong("n", 0, 7), "field-invalid", "'n'", "0 to 7", "8");
    refused(() -> object("{'n':-1}").optionalLong("n", 0, 7), "field-invalid", "-1");
    refused(() -> object("{'n':1.5}").optionalLong("n", 0, 7), "field-invalid", "1.5");
    refused(() -> object("{'n':'1'}").optionalLong("n", 0, 7), "field-invalid", "'n'");
    refused(
        () -> object("{'n':18446744073709551616}").optionalLong("n", 0, Long.MAX_VALUE),
        "field-invalid",
        "18446744073709551616");
  }

  @Test
  void refusesOtherTypes() {
    refused(() -> object("{'a':1}").text("a"), "field-invalid", "'a'");
    refused(() -> object("{'a':' '}").text("a"), "field-invalid", "blank");
    refused(() -> object("{'a':'true'}").flag("a", false), "field-invalid", "true or false");
    refused(() -> object("{'a':'x'}").texts("a"), "field-invalid", "list");
    refused(() -> object("{'a':['x',1]}").texts("a"), "field-invalid", "list");
    refused(() -> object("[1]"), "request-invalid", "thing");
  }

  private interface Call {
    void run() throws IOException;
  }

  private static void refused(Call call, String code, String... parts) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            SluiceException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(ErrorKind.INVALID);
              assertThat(e.code()).isEqualTo(code);
              assertThat(e).hasMessageContainingAll(parts);
            });
  }

  private static JsonObject object(String text) throws IOException {
    return new JsonObject("thing", new ObjectMapper().readTree(text.replace('\'', '"')));
  }
}
