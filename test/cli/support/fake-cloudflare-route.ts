/** A request as the fake got it. */
export type FakeRequest = {
  readonly method: string;
  /** Below `/accounts/<id>`, else the whole path. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly contentType: string;
};

/** The answer of a route: the `result`, or an error of Cloudflare's API. */
export type FakeAnswer =
  | { readonly result: unknown; readonly info?: object }
  | { readonly status: number; readonly code: number; readonly message: string };

export type FakeRoute = (request: FakeRequest) => Promise<FakeAnswer> | FakeAnswer;

/** Routes by method and pattern; groups of the pattern are in `request.query` as `1`, `2`, … */
export type FakeRoutes = Readonly<Record<string, FakeRoute>>;

export const jsonBody = <T>({ body }: FakeRequest): T => JSON.parse(body.toString()) as T;
