import type { Tool } from '@modelcontextprotocol/client';
import { shortText } from '../../core/plain-text.ts';

const MAX_TITLE = 128;
const MAX_DESCRIPTION = 2_048;
/** Texts of a schema describe one argument each. */
const MAX_SCHEMA_TEXT = 512;
/** The most characters of a tool as JSON: hosts put every tool into the context of the model. */
const MAX_TOOL = 64 * 1024;

/**
 * A tool of a third party as the host may show it: texts on one line, bounded, and without characters that steer a terminal or that only a
 * model reads (CWE-150). Passes on the members that the bridge knows. Undefined for a tool that is too large.
 */
export const shownTool = (tool: Tool): Tool | undefined => {
  const { name, title, description, inputSchema, outputSchema, annotations } = tool;
  if (JSON.stringify(tool).length > MAX_TOOL) return undefined;
  return {
    name,
    inputSchema: withShortTexts(inputSchema) as Tool['inputSchema'],
    ...(title === undefined ? {} : { title: shortText(title, MAX_TITLE) }),
    ...(description === undefined ? {} : { description: shortText(description, MAX_DESCRIPTION) }),
    ...(outputSchema === undefined
      ? {}
      : { outputSchema: withShortTexts(outputSchema) as Tool['outputSchema'] }),
    ...(annotations === undefined ? {} : { annotations: shownAnnotations(annotations) }),
  };
};

const shownAnnotations = ({
  title,
  ...hints
}: NonNullable<Tool['annotations']>): Tool['annotations'] => ({
  ...Object.fromEntries(Object.entries(hints).filter(([, value]) => typeof value === 'boolean')),
  ...(title === undefined ? {} : { title: shortText(title, MAX_TITLE) }),
});

/** Members of JSON Schema that are texts for readers, unless they are schemas: a property may have the name `description`. */
const TEXTS = new Set(['title', 'description', '$comment']);

const withShortTexts = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(withShortTexts);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([member, value]) => [
      member,
      TEXTS.has(member) && typeof value === 'string'
        ? shortText(value, MAX_SCHEMA_TEXT)
        : withShortTexts(value),
    ]),
  );
};
