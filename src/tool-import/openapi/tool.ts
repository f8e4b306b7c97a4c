import { isObject } from '../../core/json-object.ts';
import type { ArgumentPlace } from '../../catalog/argument-place.ts';
import { schemaFault } from '../../catalog/schema-fault.ts';
import { MAX_STORED_TOOL } from '../../catalog/listed-tools.ts';
import { parseTool } from '../../catalog/schema.ts';
import { toolText } from '../../catalog/stored-tool.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { Json } from '../../protocol/entry.ts';
import { credentialsOf } from './credentials.ts';
import { type OpenApi } from './document.ts';
import { inputsOf, type InputArgument } from './inputs.ts';
import { descriptionOf, mimeTypeOf, type Operation } from './operation.ts';

/** How the tools of a document are sold. */
export type Terms = {
  readonly price: string | { readonly max: string };
  readonly settlement: ToolDocument['settlement'];
  /** Replaces the servers of the document. */
  readonly upstream: string | undefined;
  readonly reach: EgressReach;
};

/** A tool for an operation. `notes`: remarks for the operator. */
export type ImportedTool = {
  readonly operation: string;
  readonly tool: ToolDocument;
  readonly notes: readonly string[];
};

/**
 * Builds the tool for an operation. Its path at the gateway is `/tools/<id>`, also for a templated operation: the router of the gateway
 * knows no templates, and a wildcard would sell the operations below for the price of this one.
 *
 * @returns why the operation cannot be a tool.
 */
export const toolFor = (
  document: OpenApi,
  operation: Operation,
  terms: Terms,
): Result<ImportedTool, string> => {
  const base = baseOf(document, operation, terms.upstream);
  if (!base.ok) return base;
  const found = inputsOf(document, operation);
  if (!found.ok) return found;
  const { inputs, notes } = found.value;
  const path = pathOf(operation.path, inputs);
  if (path === undefined) return err('a placeholder of its path is not a whole segment');
  const mimeType = mimeTypeOf(document, operation);
  const { secrets, unsent } = credentialsOf(document, operation.operation);
  const headers = inputs.flatMap(({ place }) => ('header' in place ? [place.header] : []));
  const tool: ToolDocument = {
    id: operation.id,
    method: operation.method,
    path: `/tools/${operation.id}`,
    description: descriptionOf(operation),
    ...(mimeType === undefined || mimeType === 'application/json' ? {} : { mimeType }),
    price: terms.price,
    settlement: terms.settlement,
    upstream: base.value + (path === '/' ? '' : path),
    ...(headers.length === 0 ? {} : { requestHeaders: headers }),
    ...(secrets.length === 0 ? {} : { secrets }),
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(inputs.map(({ name, schema }) => [name, schema])),
      required: inputs.filter(({ isRequired }) => isRequired).map(({ name }) => name),
      additionalProperties: false,
    },
    ...placesOf(operation.method, inputs),
  };
  const parsed = parseTool(tool, terms.reach);
  if (!parsed.ok) return err(`${parsed.error[0]?.field ?? ''} ${parsed.error[0]?.reason ?? ''}`);
  const fault = schemaFault(parsed.value.inputSchema);
  if (fault !== undefined) return err(`${fault.field} ${fault.reason}`);
  if (toolText(tool as unknown as Json).length > MAX_STORED_TOOL) {
    return err(`it is longer than ${MAX_STORED_TOOL} characters as a tool`);
  }
  const name = `${operation.method} ${operation.path}`;
  return ok({ operation: name, tool, notes: [...notes, ...warningsOf(operation, unsent)] });
};

/** Returns the origin and base path of an operation: the first server, without a final slash. */
const baseOf = (
  document: OpenApi,
  { item, operation }: Operation,
  upstream: string | undefined,
): Result<string, string> => {
  const servers = [operation, item, document].map(({ servers: list }) => list);
  const list = servers.find((each) => Array.isArray(each) && each.length > 0) as
    | readonly unknown[]
    | undefined;
  const [first] = list ?? [];
  const server = isObject(first) ? first : {};
  const url = upstream ?? filled(server);
  if (url === undefined) return err('the document names no server: give its URL (--upstream)');
  if (upstream === undefined && !/^https?:\/\//.test(url)) {
    return err('its server is relative to the document: give its URL (--upstream)');
  }
  return ok(url.replace(/\/+$/, ''));
};

/** Returns the URL of a server with the defaults of its variables. */
const filled = ({ url, variables }: Readonly<Record<string, unknown>>): string | undefined => {
  if (typeof url !== 'string') return undefined;
  return url.slice(0, 2_048).replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    const variable =
      isObject(variables) && Object.hasOwn(variables, name) ? variables[name] : undefined;
    const standard = isObject(variable) ? variable['default'] : undefined;
    return typeof standard === 'string' ? standard : whole;
  });
};

/** Returns the path with a placeholder named after each argument; undefined if a placeholder is a part of a segment. */
const pathOf = (path: string, inputs: readonly InputArgument[]): string | undefined => {
  const segments = path.split('/').map((segment) => {
    const [, name] = /^\{([^{}]+)\}$/.exec(segment) ?? [];
    const input = inputs.find(({ place }) => 'path' in place && place.path === name);
    if (input !== undefined) return `{${input.name}}`;
    return /[{}]/.test(segment) ? undefined : segment;
  });
  return segments.includes(undefined) ? undefined : segments.join('/');
};

/** Returns the places of arguments; none if the gateway puts every argument there by itself. */
const placesOf = (
  method: string,
  inputs: readonly InputArgument[],
): { readonly arguments?: Readonly<Record<string, ArgumentPlace>> } => {
  const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'DELETE';
  const isUsual = ({ name, place }: InputArgument): boolean => {
    if ('path' in place) return true;
    if ('query' in place) return !hasBody && place.query === name;
    return 'pointer' in place && hasBody && place.pointer === `/${name}`;
  };
  if (inputs.every(isUsual)) return {};
  return {
    arguments: Object.fromEntries(
      inputs.map(({ name, place }) => [name, 'path' in place ? { path: name } : place]),
    ),
  };
};

/** Returns the features that work at the upstream and not at a gateway. */
const warningsOf = ({ operation }: Operation, unsent: readonly string[]): readonly string[] => [
  ...(unsent.length === 0
    ? []
    : [
        `the upstream expects credentials (${unsent.join(', ').slice(0, 100)}) of a kind that the document does not place. Store them with \`countersign secret put <name>\`, and say in \`secrets\` of the tool where they go`,
      ]),
  ...(isObject(operation['callbacks']) ? ['without callbacks'] : []),
  ...(operation['deprecated'] === true ? ['the document marks it as deprecated'] : []),
];
