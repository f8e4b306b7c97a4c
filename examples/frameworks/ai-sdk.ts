// Tools of a gateway in the Vercel AI SDK: every call of the model is paid, within the caps of the agent.
import { type Agent, CountersignError } from 'countersign/client';
import { generateText, jsonSchema, type LanguageModel, stepCountIs, tool } from 'ai';

export const answer = async (agent: Agent, url: string, model: LanguageModel, prompt: string) => {
  const tools = Object.fromEntries(
    (await agent.tools(url)).map(({ name, description, inputSchema, execute }) => [
      name,
      tool({
        description,
        inputSchema: jsonSchema<Record<string, unknown>>(inputSchema),
        execute: async (input, { abortSignal: signal }) =>
          await execute(input, signal === undefined ? {} : { signal }).catch(reasonOf),
      }),
    ]),
  );
  const { text } = await generateText({ model, tools, prompt, stopWhen: stepCountIs(8) });
  return text;
};

/** Returns a refusal as the answer, so that the model reads which limit denied the call and what helps. */
const reasonOf = (error: unknown): string =>
  error instanceof CountersignError ? `${error.message} ${error.hint}` : String(error);
