/** A fake of a key management service, with controls for tests. */
export type FakeKms = {
  /** Answers one request. Serve it with `serveLoopback`, or stub `fetch` with it. */
  readonly handle: (request: Request) => Promise<Response>;
  /** Actions that the fake has answered, in order, with the HTTP status. */
  readonly answered: readonly string[];
  /** Sends this answer to the next request, without checking the request. */
  readonly answerNext: (answer: () => Response | Promise<Response>) => void;
  /** Changes members of the next answer with status 200. */
  readonly alterNext: (change: (members: JsonMembers) => JsonMembers) => void;
  /** Delays each answer from now on. */
  readonly delayAnswers: (milliseconds: number) => void;
};

export type JsonMembers = Readonly<Record<string, unknown>>;

/** An answer of a fake before it is encoded. */
export type FakeAnswer = { readonly status: number; readonly members: JsonMembers };

/** The part that both fakes share: prepared answers, changed answers, latency, the list of actions. */
export const createFakeKms = (
  contentType: string,
  actionOf: (request: Request) => string,
  answer: (request: Request, body: Uint8Array<ArrayBuffer>) => Promise<FakeAnswer>,
): FakeKms => {
  const answered: string[] = [];
  const prepared: (() => Response | Promise<Response>)[] = [];
  const changes: ((members: JsonMembers) => JsonMembers)[] = [];
  let delay = 0;
  return {
    answered,
    answerNext: (next) => void prepared.push(next),
    alterNext: (change) => void changes.push(change),
    delayAnswers: (milliseconds) => {
      delay = milliseconds;
    },
    handle: async (request) => {
      const body = new Uint8Array(await request.arrayBuffer());
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      const next = prepared.shift();
      if (next !== undefined) {
        const response = await next();
        answered.push(`${actionOf(request)} ${response.status}`);
        return response;
      }
      const { status, members } = await answer(request, body);
      answered.push(`${actionOf(request)} ${status}`);
      const change = status === 200 ? changes.shift() : undefined;
      const json = JSON.stringify(change === undefined ? members : change(members));
      return new Response(json, { status, headers: { 'content-type': contentType } });
    },
  };
};
