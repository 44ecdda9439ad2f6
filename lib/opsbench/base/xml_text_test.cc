#include "opsbench/base/xml_text.h"

#include <string>

#include "gtest/gtest.h"

namespace opsbench {
namespace {

TEST(XmlTextTest, EscapesMarkup) {
  EXPECT_EQ(XmlText("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; 'd'");
  EXPECT_EQ(XmlText(""), "");
}

TEST(XmlTextTest, KeepsCharactersOfEveryLength) {
  for (const char* text : {"f<…>", "é", "€", "\xf0\x9f\x94\xa5", "\xee\x80\x80",
                           "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    const std::string got = XmlText(text);
    EXPECT_EQ(got.find("\ufffd"), std::string::npos) << text;
  }
}

TEST(XmlTextTest, ReplacesWhatXmlDoesNotAllow) {
  EXPECT_EQ(XmlText("a\x01"
                    "b\nc\td\r"),
            "a\ufffdb&#10;c&#9;d&#13;");
  for (const std::string bad :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xed\xa0\x80", "\xf5\x80",
        "\xe2\x82", "\xf4\x90\x80\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80",
        "\xef\xbf\xbe", "\xef\xbf\xbf", "\xff"}) {
    std::string expected = "x";
    for (size_t i = 0; i < bad.size(); ++i) expected += "\ufffd";
    EXPECT_EQ(XmlText("x" + bad + "y"), expected + "y");
  }
}

}  // namespace
}  // namespace opsbench
