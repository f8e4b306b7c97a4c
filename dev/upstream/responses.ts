import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';

const PROMISED_BYTES = 4096;

/** Sends fewer bytes than it announced, then closes the connection. */
const truncate = ({ outgoing }: HttpBindings): Response => {
  outgoing.writeHead(200, {
    'content-type': 'text/plain',
    'content-length': String(PROMISED_BYTES),
  });
  outgoing.write('the beginning of an answer', () => outgoing.destroy());
  return RESPONSE_ALREADY_SENT;
};

/**
 * Fails as the query asks: `status=` answers with that status (200 to 599), `drop=1` closes the connection without an answer, `hang=1`
 * never answers, `truncate=1` sends fewer bytes than announced. Otherwise answers 200.
 */
export const misbehave = (
  query: URLSearchParams,
  raw: HttpBindings,
): Response | Promise<Response> => {
  if (query.get('drop') === '1') {
    raw.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  if (query.get('hang') === '1') return new Promise<Response>(() => {});
  if (query.get('truncate') === '1') return truncate(raw);
  const text = query.get('status') ?? '200';
  if (!/^[2-5][0-9]{2}$/.test(text))
    return Response.json({ error: 'status must be 200 to 599' }, { status: 400 });
  const status = Number(text);
  const body = status === 204 || status === 304 ? null : JSON.stringify({ status });
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
};

const MAX_CHUNKS = 1000;
const LONGEST_PAUSE_MS = 60_000;

const numberOf = (text: string | null, standard: number, most: number): number | undefined => {
  if (text === null) return standard;
  if (!/^[0-9]{1,6}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
};

/** Server-sent events: `chunks` of them (3 by default), `ms` milliseconds apart (50 by default). */
export const events = (query: URLSearchParams): Response => {
  const chunks = numberOf(query.get('chunks'), 3, MAX_CHUNKS);
  const pause = numberOf(query.get('ms'), 50, LONGEST_PAUSE_MS);
  if (chunks === undefined || pause === undefined)
    return Response.json(
      { error: `chunks is at most ${MAX_CHUNKS}, ms at most ${LONGEST_PAUSE_MS}` },
      { status: 400 },
    );
  const encoder = new TextEncoder();
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      if (sent === chunks) {
        controller.close();
        return;
      }
      if (sent > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      sent += 1;
      controller.enqueue(encoder.encode(`id: ${sent}\ndata: {"chunk":${sent},"of":${chunks}}\n\n`));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};
