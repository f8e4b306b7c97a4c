import type { ToolDocument } from '../../management/tool.route.ts';
import type { AnswerOf } from '../../management/types.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { jsonFile } from '../lib/input-file.ts';
import { type AdminClient, openAdmin, warnIfStopped } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';
import { changedText } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { readTool, toolIn } from '../lib/catalogue.ts';

const MAX_FILE = 1024 * 1024;

/** `tools get`: the document as `tools put` takes it. */
export const getTool = async (session: Session, input: Input): Promise<void> => {
  const admin = await openAdmin(session, 'operator');
  const { document, etag } = await readTool(admin, input.arguments[0] ?? '');
  session.out.result({ etag, tool: document }, () => JSON.stringify(document, undefined, 2));
};

/** `tools put`: adds a tool, or writes over the one that was seen. */
export const putTool = async (session: Session, input: Input): Promise<void> => {
  const json = mustBeOne(await jsonFile(session, input.arguments[0] ?? '', MAX_FILE));
  const document = toolIn(json, await session.profile.gateway());
  const admin = await openAdmin(session, 'operator');
  const etag = await etagIfAny(admin, document.id);
  const done = await writeTool(admin, document, etag);
  session.out.result({ id: document.id, ...done }, () =>
    changedText(
      session.out,
      done.changed,
      `${document.id} ${etag === undefined ? 'added' : 'changed'}, live within 5 s`,
    ),
  );
};

/** `tools disable`, `tools enable`. */
export const switchTool = async (
  session: Session,
  input: Input,
  to: 'disabled' | 'enabled',
): Promise<void> => {
  const admin = await openAdmin(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { document, etag } = await readTool(admin, id);
  const { disabled: _, ...enabled } = document;
  const next: ToolDocument = to === 'disabled' ? { ...enabled, disabled: true } : enabled;
  const same = (document.disabled ?? false) === (to === 'disabled');
  const done = same ? { changed: false } : await writeTool(admin, next, etag);
  session.out.result({ id, disabled: to === 'disabled', ...done }, () =>
    changedText(session.out, done.changed, `${id} ${to}`),
  );
};

/** `tools remove`. */
export const removeTool = async (session: Session, input: Input): Promise<void> => {
  const admin = await openAdmin(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { etag } = await readTool(admin, id);
  const done = await dropTool(admin, id, etag);
  session.out.result({ id, ...done }, () =>
    changedText(session.out, done.changed, `${id} removed`),
  );
};

const etagIfAny = async (admin: AdminClient, id: string): Promise<string | undefined> => {
  try {
    return (await readTool(admin, id)).etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_tool')) return undefined;
    throw thrown;
  }
};

type Ordered = AnswerOf<'tools.put'>;

/** Writes over what has this ETag, or where nothing is. */
export const writeTool = async (
  admin: AdminClient,
  document: ToolDocument,
  etag: string | undefined,
): Promise<Ordered> => {
  warnIfStopped(admin);
  const { body } = await admin.call('tools.put', {
    params: { tool: document.id },
    body: document,
    ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
  });
  return body;
};

export const dropTool = async (
  admin: AdminClient,
  tool: string,
  etag: string,
): Promise<Ordered> => {
  warnIfStopped(admin);
  return (await admin.call('tools.delete', { params: { tool }, ifMatch: etag })).body;
};

/** @throws CliError where a file holds the tools of a whole gateway */
const mustBeOne = (json: unknown): unknown => {
  if (typeof json === 'object' && json !== null && 'tools' in json)
    throw usageError('That file holds many tools.', 'Use `countersign apply` for a whole file.');
  return json;
};
