import { describe, expect, it } from 'vitest';
import { validateArguments } from '../../../src/catalog/arguments.ts';

const inputSchema = {
  type: 'object',
  properties: {
    word: { type: 'string', minLength: 2, maxLength: 4 },
    to: { enum: ['fr', 'de'] },
    count: { type: 'integer', minimum: 1, exclusiveMaximum: 9, multipleOf: 2 },
    day: { type: 'string', format: 'date' },
    tags: { type: 'array', minItems: 1, maxItems: 2 },
    either: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    never: false,
  },
  required: ['word'],
  additionalProperties: false,
};

describe('argumentFault', () => {
  it.each<[Record<string, unknown>, string]>([
    [{}, 'arguments must have "word"'],
    [{ word: 'ox', other: 1 }, 'arguments must not have "other"'],
    [{ word: 7 }, 'arguments.word must be of the type "string", not "number"'],
    [{ word: 'o' }, 'arguments.word must be at least 2 characters long'],
    [{ word: 'otter' }, 'arguments.word must be at most 4 characters long'],
    [{ word: 'ox', to: 'es' }, 'arguments.to must be one of ["fr","de"]'],
    [{ word: 'ox', count: 0 }, 'arguments.count is too small: the limit is 1'],
    [{ word: 'ox', count: 10 }, 'arguments.count is too large: the limit is 9'],
    [{ word: 'ox', count: 3 }, 'arguments.count must be a multiple of 2'],
    [{ word: 'ox', day: 'today' }, 'arguments.day must have the format date'],
    [{ word: 'ox', tags: [] }, 'arguments.tags must have at least 1 items'],
    [{ word: 'ox', tags: [1, 2, 3] }, 'arguments.tags must have at most 2 items'],
    [{ word: 'ox', either: 1 }, 'arguments.either must have one of the forms in the schema'],
    [{ word: 'ox', never: 1 }, 'arguments.never must be left out'],
  ])('names the fault of %j in a sentence', async (values, sentence) => {
    const valid = await validateArguments({ inputSchema }, values);
    const [fault] = valid.ok ? [] : valid.error;
    expect(`${fault?.field} ${fault?.reason}`).toBe(sentence);
  });
});
