/**
 * The Worker behind the service binding `BOUND` of the tests: it echoes each request. It runs in Node; workerd calls it through a real
 * service binding.
 */
export const boundWorker = async (request: {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly get: (name: string) => string | null };
  readonly text: () => Promise<string>;
}): Promise<Response> => {
  if (request.url.endsWith('/away'))
    return new Response(null, { status: 302, headers: { Location: 'https://elsewhere.example/' } });
  return Response.json({
    method: request.method,
    url: request.url,
    assertion: request.headers.get('x-agent-assertion'),
    cookie: request.headers.get('cookie'),
    body: await request.text(),
  });
};
