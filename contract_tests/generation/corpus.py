"""Texts and numbers that stores, parsers and frameworks are known to change on the way."""

# Texts of which a part may be changed; several can stand in one.
PARTS = {
    "inner-spaces": "two  spaces   inside",
    "tabs": "\ta\tb\t",
    "carriage-returns": "a\r\nb\rc\r\n",
    "nul": "a\x00b",
    "nul-around": "\x00a\x00",
    "controls": "".join(chr(code) for code in range(1, 32)),
    "delete-and-c1": "\x7f\x80\x85\x9f",
    "no-break-space": "\u00a0a\u00a0",
    "line-separators": "a\u2028b\u2029c",
    "byte-order-mark": "\ufeffa\ufeff",
    "zero-width": "a\u200bb\u200cc\u200dd",
    "variation-selectors": "\u2764\ufe0f \u270c\ufe0e \ufe0f",
    "invisible": "a\u00adb\u2060c\u034fd\u180ee\u3164f\u2061",
    "isolates": "\u2066a\u2067b\u2068c\u2069 \u202ad\u202c",
    "tags": "\U000e0001\U000e0061\U000e007f a\U000e0100",
    "wide-spaces": "\u3000a\u2003b\u2009c\u202fd\u205f",
    "right-to-left": "a\u202eb\u200f\u05d0\u061c",
    "composed": "é Å ﬁ",
    "decomposed": "e\u0301 A\u030a fi",
    "compatibility": "ﬁ ① ㎏ Ⅷ ｆｕｌｌ",
    "marks-in-other-order": "a\u0323\u0307 a\u0307\u0323",
    "emoji": "😀 👍🏽 👨‍👩‍👧‍👦 🇩🇪",
    "astral": "𝒳 𐍈 \U0010ffff",
    "noncharacters": "\ufffe\uffff\ufdd0",
    "replacement": "\ufffd ? \ufffd",
    "private-use": "\ue000\uf8ff",
    "cases": "MiXeD CaSe ß ẞ İ ı ŉ ſ",
    "cjk": "日本語 中文 한국어",
    "quotes": "\"double\" 'single' `back` “curly”",
    "backslashes": "a\\b \\n \\u0041 \\\\",
    "html": "<b>&amp; &lt;i&gt;</b><script>x</script>",
    "percent": "100%25 %00 %s %d {0} ${x} #{y} {{z}}",
    "sql": "'; DROP TABLE items; --",
    "slashes": "a/b // \\/ </x>",
    "plus": "a+b c%20d",
    "canonical-singletons": "\u2126 \u212a \u212b \u037e \u0387 \u1fef \u2329 \uf900 \U0002f800",
    "conjoining": "\u1112\u1161\u11ab \uac00\u11a8 \u304b\u3099 \u0915\u093c \u0958 \u09c7\u09be \u0627\u0653",
    "decomposed-scripts": "\u05e9\u05bc \ufb2a \u0f42\u0fb7 \u0418\u0306 \u03b1\u0345\u0301 e\u0302\u0301 \U0001d15e",
    "case-by-context": "ΟΔΟΣ ὀδός σς STRASSE straße iİ ıI ǅ ﬃ ᾳ ΐ",
    "clusters": "1\ufe0f\u20e3 क्षि \u0600\u0661 นํ้า ᄀᄀᄀ각ᆨᆨ \U0001f3f4\U000e0067\U000e007f \n\r",
    "confusables": "раураl ВАNК ’ʼ′ ‐‑−–— … ⁄∕ ․ ꞉ ٣٤ १２",
    "doubled": "a\"\"b''c``d%%e$$f{{g}}h[[i]]j//k;;l||m&&n--o__p::q",
    "emphasis": "**bold** _it_ ~~gone~~ *x* ==y== [a](b) # c",
    "shortcodes": ":smile: :+1: :) <3 (c) (tm) 1/2 -> ...",
    "templates": "{{ name }} {% if x %} <%= y %> ${z} #{w} [[v]] %(u)s $t :s ? $NAME ${HOME} %PATH% $(id) `id`",
    "secrets": "4111 1111 1111 1111 078-05-1120 10.0.0.1 password=x Bearer y",
    "literal-escapes": "\\u0000 \\x00 \\0 \\ud83d \\r\\n &#0; %u0041",
    "paths": "../../etc/passwd ..\\..\\ file:///etc/hosts ~/.ssh/id C:\\x",
    "twice-encoded": "Ã© â€™ ï»¿ &#233; &eacute; =C3=A9 \\xe9 \\u00E9 +AOk-",
}
# Texts that are changed, if at all, as a whole or at an end.
WHOLE = {
    "spaces-around": "  two spaces around  ",
    "only-spaces": "   ",
    "newlines": "\na\nb\n",
    "percent-at-the-end": "100%",
    "ends-in-backslash": "a\\",
    "json-in-text": '{"name": null}',
    "json-object": '{"b":1,"a":[2,3.0]}',
    "json-array": '[1, "a",null]',
    "json-string": '"a"',
    "looks-like-null": "null",
    "looks-like-true": "true",
    "looks-like-number": "007",
    "looks-like-exponent": "1e5",
    "looks-like-time": "2025-01-24T10:00:00Z",
    "undefined": "undefined",
    "one-letter": "a",
    "many-lines": "a line that ends in spaces  \r\n\t \n" * 150,
    "many-spaces": " " * 3_000,
    "many-emoji": "👩🏽‍🚀 é\u0301\u0323 " * 300,
    "email": "Zoë.O'Neil+test@example.com",
    **{
        f"enclosed-in-{ends}": f"{ends[0]}a b{ends[1]}"
        for ends in ('""', "''", "``", "“”", "«»", "()", "[]", "{}", "<>")
    },
    **{f"begins-{sign}": f"{sign}1+1" for sign in "=+-@#"},
    "web-address": "https://Example.com/A?b=c&D=%20#e",
    "web-address-in-capitals": "HTTPS://Example.COM:443/A/../b/?Q=1&q=%7e",
    "mixed-ends": "\t \na\n ",
    "ends-in-spaces-of-two-kinds": "a\r\n \t",
    "mail-address": "mailto:a@example.com",
    "date": "2025-01-24",
    "date-and-time": "2025-01-24 10:00:00.500+02:00",
    "time": "10:00:00",
    "ends-in-a-mark": "a\u200f",
    "other-digits": "１２３",
    "begins-with-a-mark": "\u0301a",
    "right-to-left-and-a-space": "שלום ",
    # More than 64 KiB in characters of so many bytes; the second can be cut at no power of two.
    "long-in-2-bytes": "aé" * 21_846,
    "long-in-3-bytes": "日" * 21_846,
    "long-in-4-bytes": "a" + "😀" * 16_384,
}
TEXTS = PARTS | WHOLE
# A little of each part, for a text that is sent in every context: all of it fits into few characters.
PIECES = (
    "=a\\n'' ", "\x00", "\x07", "\r\n", "<b>&amp;", "%25", "{{x}}", ":smile:", "**b**", "mailto:a@b.c ", "4111 1111 1111 1111 ",
    "e\u0301", "é", "a\u0323\u0307", "\ufb01①", "\u2126", "\u1112\u1161\u11ab", "ὀδός", "٢", "😀", "❤\ufe0f", "\u200b\ufeff", "\u200f",
    "\\u0000", "../", "\u00ad", "\u2028", "\u00a0", "\u3000", "\ue000", "\ufffd", "$1#{y}[z](w)", "\"\"", "  \t",
)  # fmt: skip
# What may be taken off an end of a text, where it stands there by itself.
EDGES = (" ", "\t", "\n", "\r", "\x00", "\x1f", "\x85", "\u00a0", "\u200b", "\u200f", "\u2028", "\u3000", "\ufeff")
# What software that recognises a text looks for at its two ends.
FRAMES = (
    *((sign, sign) for sign in ('"', "'", "`", "|", "/", "*", "**", "_", "__", "~~", "$", "$$", "%", ":", "::", "--", "&", "-")),
    *(pair.split() for pair in ("“ ”", "‘ ’", "„ “", "« »", "「 」", "( )", "[ ]", "{ }", "< >", "{{ }}", "{% %}", "<% %>", "${ }", "#{ }", "[[ ]]", "<!-- -->", "/* */", "&# ;", "<b> </b>")),
    *((sign, "") for sign in ("=", "+", "-", "@", "#", "//", "!", "?", ".", "\\", "~", "> ", "- ", "http://", "mailto:", "data:", "0x", "b'", "%")),
    *(("", sign) for sign in ("\\", "%", ";", ".", ",", "=", "&", "?", "\n", "\n ", " \t", " ", "\u0301", "\u200d")),
)  # fmt: skip
NUMBERS = (
    0.8, 0.1, 0.3, 0.7, 1.1, 1.3, 1.7, 0.55, 0.123456, 1.23456789, 0.30000000000000004, 1 / 3, 2 / 3, 1.9999999,
    0.1 + 0.2, 1, 2, 5, 5.5, 7.25, 15, 59.99, 99.9, 100, 123.456, 299.9, 299.999999, 33.333333333333336, 60, 120, 250,
    16.1, 0.15, 0.95, 1.005, 64.3,
)  # fmt: skip
