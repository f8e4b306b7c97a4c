import type { toolSchema } from '../../../src/catalog/schema.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AnswerOf, ItemOf, ListId, RequestOf } from '../../../src/management/routes.ts';
import type { ToolDocument } from '../../../src/management/tool.route.ts';
import { expectTypeOf, test } from 'vitest';
import type * as z from 'zod/mini';

test('the type of a request follows from the table', () => {
  expectTypeOf<RequestOf<'queues'>>().toEqualTypeOf<unknown>();
  expectTypeOf<RequestOf<'tools.get'>>().toExtend<{ readonly params: { readonly tool: string } }>();
  expectTypeOf<{ params: { account: string }; body: { status: 'paused' } }>().toExtend<
    RequestOf<'account.status'>
  >();
  expectTypeOf<{ params: { account: string }; body: { status: 'gone' } }>().not.toExtend<
    RequestOf<'account.status'>
  >();
  expectTypeOf<{ query: { by: 'tool'; limit: number } }>().toExtend<RequestOf<'spend'>>();
  expectTypeOf<{ query: { limit: number } }>().not.toExtend<RequestOf<'spend'>>();
  expectTypeOf<{ query: { parent: string; after: string } }>().toExtend<
    RequestOf<'accounts.list'>
  >();
  expectTypeOf<{ query: { parent: number } }>().not.toExtend<RequestOf<'accounts.list'>>();
  expectTypeOf<RequestOf<'account.policy.put'>['body']['perCall']>().toEqualTypeOf<
    string | undefined
  >();
  expectTypeOf<{ dryRun: boolean }>().toExtend<Pick<RequestOf<'account.policy.put'>, 'dryRun'>>();
  expectTypeOf<'ifMatch'>().toExtend<keyof RequestOf<'tools.delete'>>();
  expectTypeOf<'ifMatch'>().not.toExtend<keyof RequestOf<'account.status'>>();
});

test('the type of an answer follows from the table', () => {
  expectTypeOf<AnswerOf<'account.get'>['money'][number]['credit_held']>().toEqualTypeOf<string>();
  expectTypeOf<'account.tree'>().toExtend<ListId>();
  expectTypeOf<'account.get'>().not.toExtend<ListId>();
  expectTypeOf<ItemOf<'account.calls'>['call']>().toEqualTypeOf<Hex>();
});

test('the type of a tool is the catalogue’s', () => {
  expectTypeOf<z.input<typeof toolSchema>>().toExtend<ToolDocument>();
  expectTypeOf<keyof ToolDocument>().toEqualTypeOf<keyof z.input<typeof toolSchema>>();
});
