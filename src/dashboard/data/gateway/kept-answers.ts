import type { StoredSession } from '../../session/stored-session.ts';
import { answered } from './problem.ts';

/** Answers of earlier reads, by URL, with the tag by which the gateway can confirm them (docs/management.md §5). */
type KeptAnswer = { readonly tag: string; readonly text: string };

const MAX_KEPT = 50;

/**
 * Keyed by the session that signed the reads.
 *
 * Race: a read of one account that repeats after another account has signed in must not leave its answer to the second account.
 */
const answers = new WeakMap<StoredSession, Map<string, KeptAnswer>>();

const answersTo = (reader: StoredSession): Map<string, KeptAnswer> => {
  const known = answers.get(reader) ?? new Map<string, KeptAnswer>();
  answers.set(reader, known);
  return known;
};

const keep = async (
  kept: Map<string, KeptAnswer>,
  url: string,
  answer: Response,
): Promise<void> => {
  const tag = answer.headers.get('etag') ?? '';
  // Strong tags name documents, and the gateway confirms none of those.
  if (!answer.ok || !tag.startsWith('W/')) return;
  const text = await answer.clone().text();
  kept.delete(url);
  if (kept.size >= MAX_KEPT) kept.delete([...kept.keys()][0] ?? '');
  kept.set(url, { tag, text });
};

/** Fetches with the tag of the answer that this session has, and returns that answer if the gateway confirms it with a 304. */
export const fetchUnlessKept = async (
  reader: StoredSession,
  url: string,
  { headers, ...init }: RequestInit & { readonly headers: Headers },
): Promise<Response> => {
  const kept = answersTo(reader);
  const known = kept.get(url);
  if (known !== undefined) headers.set('If-None-Match', known.tag);
  const answer = await answered(
    fetch(url, { ...init, headers, cache: 'no-store', redirect: 'manual' }),
  );
  if (answer.status === 304 && known !== undefined) {
    return new Response(known.text, { headers: answer.headers });
  }
  await keep(kept, url, answer);
  return answer;
};
