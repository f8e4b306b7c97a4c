/** A request that the fake received. */
export type FakeRequest = {
  readonly method: string;
  /** The path below `/accounts/<id>`, otherwise the whole path. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly contentType: string;
  /** `cf-r2-jurisdiction`: buckets of one name in two jurisdictions are two buckets. */
  readonly bucketJurisdiction: string;
};

/** The answer of a route: its `result`, or an error as Cloudflare's API returns it. */
export type FakeAnswer =
  | { readonly result: unknown; readonly info?: object }
  | { readonly status: number; readonly code: number; readonly message: string };

export type FakeRoute = (request: FakeRequest) => Promise<FakeAnswer> | FakeAnswer;

/** Routes by method and pattern. The pattern's groups are in `request.query` as `1`, `2`, … */
export type FakeRoutes = Readonly<Record<string, FakeRoute>>;

export const jsonBody = <T>({ body }: FakeRequest): T => JSON.parse(body.toString()) as T;
