import type { FieldFault } from '../protocol/fault.ts';
import { shortText } from '../core/plain-text.ts';
import type { JsonSchema } from './input-schema.ts';
import { resolveSchema } from './resolve-schema.ts';

const MAX_FIELD = 200;

/** Returns why a tool's input schema cannot be used; undefined if it can. Called when an operator writes it. */
export const schemaFault = (schema: JsonSchema): FieldFault | undefined => {
  const resolved = resolveSchema(schema);
  return resolved.ok ? undefined : inSchema(resolved.error);
};

/** Turns the JSON pointer of a fault in a schema into a field of its tool. */
export const inSchema = ({ field, reason }: FieldFault): FieldFault => ({
  field: shortText(`inputSchema${field.replaceAll('/', '.')}`, MAX_FIELD),
  reason,
});
