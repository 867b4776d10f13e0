package gatherer.records;
@SuppressWarnings("all")
public final class InputFormat implements java.io.Serializable {
 private final String start;
 private InputFormat(String s){start=s;}
 public static InputFormat positions(String s){return new InputFormat(s);}
 public static java.util.List<InputFormat> parse(String json){return java.util.List.of();}
 public boolean matches(String t){return t.startsWith(start)&&t.length()>start.length();}
 public String symbolOf(String t){return t.substring(start.length());}
 public RecordParser parser(String t,long f){return new RecordParser(symbolOf(t),f);}
}
