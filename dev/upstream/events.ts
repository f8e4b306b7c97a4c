const MOST_CHUNKS = 1000;
const LONGEST_PAUSE_MS = 60_000;

const numberOf = (text: string | null, standard: number, most: number): number | undefined => {
  if (text === null) return standard;
  if (!/^[0-9]{1,6}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
};

/** Server-sent events: `chunks` of them (3 by default), `ms` milliseconds apart (50 by default). */
export const events = (query: URLSearchParams): Response => {
  const chunks = numberOf(query.get('chunks'), 3, MOST_CHUNKS);
  const pause = numberOf(query.get('ms'), 50, LONGEST_PAUSE_MS);
  if (chunks === undefined || pause === undefined)
    return Response.json(
      { error: `chunks is at most ${MOST_CHUNKS}, ms at most ${LONGEST_PAUSE_MS}` },
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
