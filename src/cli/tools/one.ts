import type { ToolDocument } from '../../management/tool.ts';
import type { AnswerOf } from '../../management/types.ts';
import type { Input } from '../command.ts';
import { usageError } from '../errors.ts';
import { jsonFile } from '../manage/json-file.ts';
import { type Office, openOffice, whileOrdering } from '../manage/office.ts';
import { isRefusal } from '../manage/refusal.ts';
import { changedText } from '../manage/show.ts';
import type { Session } from '../session.ts';
import { readTool, toolIn } from './catalogue.ts';

const MAX_FILE = 1024 * 1024;

/** `tools get`: the document as `tools put` takes it. */
export const getTool = async (session: Session, input: Input): Promise<void> => {
  const office = await openOffice(session, 'operator');
  const { document, etag } = await readTool(office, input.arguments[0] ?? '');
  session.out.result({ etag, tool: document }, () => JSON.stringify(document, undefined, 2));
};

/** `tools put`: adds a tool, or writes over the one that was seen. */
export const putTool = async (session: Session, input: Input): Promise<void> => {
  const json = mustBeOne(await jsonFile(session, input.arguments[0] ?? '', MAX_FILE));
  const document = toolIn(json, await session.profile.gateway());
  const office = await openOffice(session, 'operator');
  const etag = await etagIfAny(office, document.id);
  const done = await writeTool(office, document, etag);
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
  const office = await openOffice(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { document, etag } = await readTool(office, id);
  const { disabled: _, ...enabled } = document;
  const next: ToolDocument = to === 'disabled' ? { ...enabled, disabled: true } : enabled;
  const same = (document.disabled ?? false) === (to === 'disabled');
  const done = same ? { changed: false } : await writeTool(office, next, etag);
  session.out.result({ id, disabled: to === 'disabled', ...done }, () =>
    changedText(session.out, done.changed, `${id} ${to}`),
  );
};

/** `tools remove`. */
export const removeTool = async (session: Session, input: Input): Promise<void> => {
  const office = await openOffice(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { etag } = await readTool(office, id);
  const done = await dropTool(office, id, etag);
  session.out.result({ id, ...done }, () =>
    changedText(session.out, done.changed, `${id} removed`),
  );
};

const etagIfAny = async (office: Office, id: string): Promise<string | undefined> => {
  try {
    return (await readTool(office, id)).etag;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_tool')) return undefined;
    throw thrown;
  }
};

type Ordered = AnswerOf<'tools.put'>;

/** Writes over what has this ETag, or where nothing is. */
export const writeTool = async (
  office: Office,
  document: ToolDocument,
  etag: string | undefined,
): Promise<Ordered> => {
  whileOrdering(office);
  const { body } = await office.call('tools.put', {
    params: { tool: document.id },
    body: document,
    ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
  });
  return body;
};

export const dropTool = async (office: Office, tool: string, etag: string): Promise<Ordered> => {
  whileOrdering(office);
  return (await office.call('tools.delete', { params: { tool }, ifMatch: etag })).body;
};

/** @throws CliError where a file holds the tools of a whole gateway */
const mustBeOne = (json: unknown): unknown => {
  if (typeof json === 'object' && json !== null && 'tools' in json)
    throw usageError('That file holds many tools.', 'Use `countersign apply` for a whole file.');
  return json;
};
