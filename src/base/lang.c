#include "base/lang.h"

#include <stddef.h>
#include <string.h>

enum lang lang_of_locale(const char *locale)
{
    if (locale != NULL && strncmp(locale, "zh", 2) == 0)
        return LANG_ZH;
    return LANG_EN;
}
