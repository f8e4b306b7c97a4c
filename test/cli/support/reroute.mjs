/** Loaded into a command by NODE_OPTIONS: sends requests for the public hosts of a test to servers on this machine. */
const hosts = JSON.parse(process.env.TEST_HOSTS ?? '{}');
const original = globalThis.fetch;
const rerouted = (href) => {
  const url = new URL(href);
  const origin = hosts[url.host];
  return origin === undefined ? href : origin + url.pathname + url.search;
};
globalThis.fetch = async (input, init) => {
  const href = input instanceof Request ? input.url : String(input);
  const target = rerouted(href);
  const response = await original(
    input instanceof Request ? new Request(target, input) : target,
    init,
  );
  // The client compares the address of an answer with the one that it called.
  if (target !== href) Object.defineProperty(response, 'url', { value: href });
  return response;
};
