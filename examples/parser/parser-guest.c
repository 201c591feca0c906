/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser of XML in a sandbox: Expat, as Debian ships it, and handlers as people write them.
 * parse(bytes) -> string tells what is in a table of rows and cells.
 *
 * The bug in on_start is planted: a number from the file is an index, and nobody looks at it.
 */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

#define COLUMNS 16
#define DEPTH_MAX 1000

struct table {
    XML_Parser parser;
    unsigned elements, depth, deepest;
    unsigned cells[COLUMNS];
};

static void on_start(void *ctx, const char *name, const char **attributes)
{
    struct table *table = ctx;

    table->elements++;
    if (++table->depth > table->deepest)
        table->deepest = table->depth;
    if (table->depth > DEPTH_MAX)
        XML_StopParser(table->parser, XML_FALSE);
    for (; *attributes; attributes += 2)
        if (!strcmp(name, "cell") && !strcmp(attributes[0], "column"))
            table->cells[atol(attributes[1])]++; /* PLANTED: any column will do */
}

static void on_end(void *ctx, const char *name)
{
    struct table *table = ctx;

    (void)name;
    table->depth--;
}

static void on_text(void *ctx, const char *text, int bytes)
{
    (void)ctx;
    (void)text;
    (void)bytes;
}

SCONCE_EXPORT(sconce_str, parse, (sconce_bytes file))
{
    XML_Parser parser = XML_ParserCreate(NULL);
    struct table table = {.parser = parser};
    unsigned columns = 0;

    if (!parser) {
        sconce_fail(1, "the heap cannot hold a parser");
        return SCONCE_STR("");
    }
    XML_SetUserData(parser, &table);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text); /* so that entities are expanded */
    if (XML_Parse(parser, file.data, (int)file.length, XML_TRUE) != XML_STATUS_OK)
        sconce_fail((int32_t)XML_GetErrorCode(parser), "line %lu: %s",
                    XML_GetCurrentLineNumber(parser),
                    table.depth > DEPTH_MAX ? "nested too deeply"
                                            : XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    for (unsigned i = 0; i < COLUMNS; i++)
        columns += table.cells[i] != 0;
    return sconce_format("%u elements, %u deep, %u columns", table.elements, table.deepest,
                         columns);
}
