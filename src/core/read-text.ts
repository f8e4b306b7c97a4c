/** Reads a body as UTF-8 text; undefined when it is longer than `maxBytes`. Buffers no byte beyond that (CWE-770). */
export const readText = async (
  { body }: Pick<Body, 'body'>,
  maxBytes: number,
): Promise<string | undefined> => {
  if (body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
};
