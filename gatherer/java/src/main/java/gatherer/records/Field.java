package gatherer.records;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A wanted field of an input's records, or an object that leads to one. */
final class Field implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The role of a field, as bits; an object that leads to one has none. */
    static final int NOTHING = 0, TIME = 1, SYMBOL = 2, PRICE = 4;

    final String name;

    /** The name and the quotation mark after it, in the usual form. */
    final byte[] quoted;

    final List<Field> children = new ArrayList<>();
    int role;

    private Field(String name) {
        this.name = name;
        quoted = (name + '"').getBytes(StandardCharsets.UTF_8);
    }

    /** The root: the object of a record. */
    static Field root() {
        return new Field("");
    }

    /** Adds the field at a path such as `quote.price`; a dot leads into an object. */
    void add(String path, int newRole) {
        Field field = this;
        for (String part : path.split("[.]", -1)) {
            Field child = field.child(part);
            if (child == null) {
                child = new Field(part);
                field.children.add(child);
            }
            field = child;
            if (field.role != NOTHING) {
                throw new IllegalArgumentException(
                        path + " can't be found below or beside a field that is wanted itself");
            }
        }
        if (!field.children.isEmpty()) {
            throw new IllegalArgumentException(path + " is an object in which others are looked for");
        }
        field.role = newRole;
    }

    /** The field of this name in this object; null when nobody wants it. */
    Field child(String wanted) {
        for (int at = 0; at < children.size(); at++) {
            if (children.get(at).name.equals(wanted)) {
                return children.get(at);
            }
        }
        return null;
    }

    /** Whether bytes can be compared with this name and those below it, because they need no escapes. */
    boolean isPlain() {
        for (int at = 0; at < quoted.length - 1; at++) {
            if (!Bytes.isPlain(quoted[at])) {
                return false;
            }
        }
        return children.stream().allMatch(Field::isPlain);
    }
}
