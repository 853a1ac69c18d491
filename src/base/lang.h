/* The languages that every text of the program exists in. */
#ifndef HUITOU_BASE_LANG_H
#define HUITOU_BASE_LANG_H

enum lang { LANG_EN, LANG_ZH, LANG_MAX };

/* One text in both languages. */
struct text {
    const char *in[LANG_MAX];
};
#define TEXT(en, zh) {{(en), (zh)}}

/* From a locale name such as "zh_CN.UTF-8": Chinese where it begins with "zh", else English. NULL is English. */
enum lang lang_of_locale(const char *locale);

#endif
