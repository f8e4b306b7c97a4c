import { type JsonSchema, OPEN_SCHEMA } from '../catalog/input-schema.ts';
import { resolveSchema } from '../catalog/resolve-schema.ts';
import type { Tool } from '../catalog/tool.ts';
import { placeOf } from '../catalog/tool-request.ts';

/** The parameters and the body of an OpenAPI operation. */
export type RequestDescription = {
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: Readonly<Record<string, unknown>>;
};

const NOTHING: RequestDescription = { parameters: [] };

/**
 * Describes the HTTP request of a tool from its input schema and the places of its arguments; empty for a tool without a schema. References
 * are resolved, because `#` in a schema would mean the whole OpenAPI document.
 */
export const describeRequest = (tool: Tool): RequestDescription => {
  if (tool.inputSchema === OPEN_SCHEMA) return NOTHING;
  const resolved = resolveSchema(tool.inputSchema);
  if (!resolved.ok) return NOTHING;
  const { properties = {}, required = [] } = resolved.value.schema as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  const parameters: Readonly<Record<string, unknown>>[] = [];
  const members: Record<string, JsonSchema> = {};
  const requiredMembers: string[] = [];
  let whole: JsonSchema | undefined;
  for (const [name, schema] of Object.entries(properties)) {
    const place = placeOf(tool, name);
    const isRequired = required.includes(name);
    if ('pointer' in place) {
      const member = place.pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
      if (place.pointer === '') whole = schema;
      else members[member] = schema;
      if (isRequired && place.pointer !== '') requiredMembers.push(member);
    } else if ('path' in place) {
      // Over HTTP the query fills the placeholders of the upstream.
      parameters.push({ name: place.path, in: 'query', required: true, schema });
    } else {
      const [at, key] = 'query' in place ? ['query', place.query] : ['header', place.header];
      parameters.push({ name: key, in: at, required: isRequired, schema });
    }
  }
  const body =
    whole ??
    (Object.keys(members).length === 0
      ? undefined
      : { type: 'object', properties: members, required: requiredMembers });
  return body === undefined
    ? { parameters }
    : {
        parameters,
        requestBody: { required: true, content: { 'application/json': { schema: body } } },
      };
};
