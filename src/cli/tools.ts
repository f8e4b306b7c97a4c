import { TOOL_DEPTH } from '../catalog/input-schema.ts';
import type { ToolDocument } from '../management/tool.route.ts';
import { toolFaults } from '../tool-import/tool-faults.ts';
import { type AdminClient, openAdmin } from './lib/admin-client.ts';
import {
  type CatalogueTool,
  deleteTool,
  priceText,
  reachOf,
  readCatalogue,
  readTool,
  writeTool,
} from './lib/catalogue.ts';
import type { ArgumentSpec, Command, CommandGroup } from './lib/command.ts';
import { CliError, EXIT, isRefusal, usageError } from './lib/errors.ts';
import { type Input, jsonFile } from './lib/input.ts';
import { changedText, listed, sentence } from './lib/print.ts';
import type { Session } from './lib/session.ts';
import { importOpenApi } from './openapi/command.ts';
import { checkMcp } from './remote/check-command.ts';
import { importMcp } from './remote/import-command.ts';

const TOOL: ArgumentSpec = { syntax: '<tool>', summary: 'id of the tool' };

const list: Command = {
  summary: 'list the catalogue, also disabled and faulty tools',
  shared: ['gateway', 'signer'],
  examples: ['countersign tools list'],
  run: async (session) => {
    const { out } = session;
    const tools = await readCatalogue(await openAdmin(session, 'operator'));
    out.result({ tools }, () =>
      tools.length === 0
        ? sentence(out, 'No tools yet. `countersign apply tools.json` adds the tools of a file.')
        : listed(
            out,
            [
              { title: 'TOOL', cut: 'end' },
              { title: 'PRICE', align: 'right' },
              { title: 'SETTLED' },
              { title: 'STATE' },
              { title: 'PATH', cut: 'end' },
            ],
            tools.map((each) => [
              each.id,
              priceText(each.tool),
              each.tool.settlement,
              stateOf(each),
              `${each.tool.method} ${each.tool.path}`,
            ]),
            (text, column, row) => {
              const tool = tools[row];
              if (column !== 3 || tool === undefined) return text;
              if (tool.fault !== undefined) return out.style.bad(text);
              return tool.disabled ? out.style.warn(text) : out.style.good(text);
            },
          ),
    );
  },
};

const stateOf = ({ disabled, fault, source }: CatalogueTool): string => {
  if (fault !== undefined) return `faulty: ${fault}`;
  if (disabled) return 'disabled';
  return source === 'file' ? 'on (file)' : 'on';
};

const get: Command = {
  summary: 'print one tool as JSON, for `tools put`',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  examples: ['countersign tools get lookup > lookup.json'],
  run: async (session, input) => {
    const admin = await openAdmin(session, 'operator');
    const { document, etag } = await readTool(admin, input.arguments[0] ?? '');
    session.out.result({ etag, tool: document }, () => JSON.stringify(document, undefined, 2));
  },
};

const MAX_FILE = 1024 * 1024;

const put: Command = {
  summary: 'add or change a tool, live within 5 s',
  arguments: [{ syntax: '<file>', summary: 'one tool as JSON; - for stdin' }],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign tools put lookup.json',
    'countersign tools get lookup | countersign tools put -',
  ],
  run: async (session, input) => {
    const { out } = session;
    const json = await jsonFile(session, input.arguments[0] ?? '', MAX_FILE, TOOL_DEPTH);
    if (typeof json === 'object' && json !== null && 'tools' in json) {
      throw usageError(
        'That file holds a list of tools.',
        '`countersign apply` takes a whole list.',
      );
    }
    const document = toolIn(json, await session.profile.gateway());
    const admin = await openAdmin(session, 'operator');
    const etag = await etagIfAny(admin, document.id);
    const answer = await writeTool(admin, document, etag);
    const what = `${document.id} ${etag === undefined ? 'added' : 'changed'}, live within 5 s`;
    out.result({ id: document.id, ...answer }, () => changedText(out, answer.changed, what));
  },
};

const etagIfAny = async (admin: AdminClient, id: string): Promise<string | undefined> => {
  try {
    return (await readTool(admin, id)).etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_tool')) return undefined;
    throw thrown;
  }
};

const disable: Command = {
  summary: 'answer 404 for a tool but keep its path reserved',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  examples: ['countersign tools disable lookup'],
  run: async (session, input) => await setDisabled(session, input, true),
};

const enable: Command = {
  summary: 'serve a disabled tool again',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  examples: ['countersign tools enable lookup'],
  run: async (session, input) => await setDisabled(session, input, false),
};

const remove: Command = {
  summary: 'remove a tool from the catalogue',
  arguments: [TOOL],
  shared: ['gateway', 'signer'],
  examples: ['countersign tools remove flaky'],
  run: async (session, input) => {
    const { out } = session;
    const admin = await openAdmin(session, 'operator');
    const id = input.arguments[0] ?? '';
    const { etag } = await readTool(admin, id);
    const answer = await deleteTool(admin, id, etag);
    out.result({ id, ...answer }, () => changedText(out, answer.changed, `${id} removed`));
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign tools list',
    'countersign tools get lookup > lookup.json',
    'countersign tools import openapi.yaml --price 0.01',
    'countersign tools disable lookup',
  ],
  commands: {
    ...{ list, get, put, import: importOpenApi, 'import-mcp': importMcp, 'check-mcp': checkMcp },
    ...{ disable, enable, remove },
  },
};

/** `tools enable` and `tools disable`. */
const setDisabled = async (session: Session, input: Input, disabled: boolean): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { document, etag } = await readTool(admin, id);
  const { disabled: before = false, ...enabled } = document;
  const next: ToolDocument = disabled ? { ...enabled, disabled: true } : enabled;
  const answer = before === disabled ? { changed: false } : await writeTool(admin, next, etag);
  out.result({ id, disabled, ...answer }, () =>
    changedText(out, answer.changed, `${id} ${disabled ? 'disabled' : 'enabled'}`),
  );
};

/** Parses a tool with the gateway's own parser. @throws CliError usage, which names each faulty field */
const toolIn = (json: unknown, gateway: string): ToolDocument => {
  const wrong = toolFaults(json, reachOf(gateway));
  if (wrong.length === 0) return json as ToolDocument;
  const faults = wrong.map(({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`);
  throw new CliError(`That is not a valid tool: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct the tool. docs/tools.md lists its fields.',
    exit: EXIT.usage,
    code: 'malformed_document',
    details: { faults: wrong },
  });
};
