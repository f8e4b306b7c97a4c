import { expect, it } from 'vitest';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { inputOfBody } from '../../../src/gateway/remote-tool.ts';
import type { ReceivedRequest } from '../../../src/gateway/paid-request.ts';

const inputOf = (target: string) =>
  inputOfBody({ target, body: new Uint8Array(utf8('{"q":"x"}')) } as ReceivedRequest);

it('refuses a query over HTTP, which a policy could judge and the server never gets', () => {
  expect(inputOf('/tools/search')).toEqual({ ok: true, value: { arguments: { q: 'x' } } });
  expect(inputOf('/tools/search?q=safe')).toMatchObject({ error: { field: 'query' } });
});
