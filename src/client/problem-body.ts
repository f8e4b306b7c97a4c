import { isRecord, readJsonBody } from './json.ts';

/** A problem of RFC 9457 as the server sent it. The client never bases a payment on it. */
export type ProblemBody = {
  /** Countersign: `urn:countersign:problem:<name>`, stable. */
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  /** The next step for the caller. */
  readonly hint?: string;
  readonly [member: string]: unknown;
};

const MAX_BODY = 65_536;
const TEXTS = ['type', 'title', 'detail', 'hint'];

/** Reads the problem in the body of an answer, without members of a wrong type; undefined if the body is not a problem. */
export const problemIn = async (
  response: Response,
  withinMs?: number,
): Promise<ProblemBody | undefined> => {
  const type = response.headers.get('content-type') ?? '';
  if (!type.toLowerCase().startsWith('application/problem+json')) return undefined;
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  if (!isRecord(body)) return undefined;
  const members = Object.entries(body).filter(
    ([name, value]) => !TEXTS.includes(name) || typeof value === 'string',
  );
  return Object.fromEntries(members);
};

/** Whether a problem has this name, e.g. `already-used`. */
export const isProblem = (body: ProblemBody | undefined, name: string): boolean =>
  body?.type === `urn:countersign:problem:${name}`;
