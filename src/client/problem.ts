import { readJsonBody } from './json.ts';

/** An RFC 9457 problem, as the server wrote it: words for people and programs, nothing that is acted on with money. */
export type ProblemBody = {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly hint?: string;
  readonly [member: string]: unknown;
};

const MAX_BODY = 65_536;
const TEXTS = ['type', 'title', 'detail', 'hint'];

/** The problem in the body of an answer; undefined where it is none, or its members are not what they must be. */
export const problemIn = async (
  response: Response,
  withinMs?: number,
): Promise<ProblemBody | undefined> => {
  const type = response.headers.get('content-type') ?? '';
  if (!type.toLowerCase().startsWith('application/problem+json')) return undefined;
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const members = Object.entries(body).filter(
    ([name, value]) => !TEXTS.includes(name) || typeof value === 'string',
  );
  return Object.fromEntries(members);
};

/** Whether a problem is the gateway's of this name, e.g. `already-used`. */
export const isProblem = (body: ProblemBody | undefined, name: string): boolean =>
  body?.type === `urn:countersign:problem:${name}`;
