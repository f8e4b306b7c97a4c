// Tools of a gateway in the OpenAI Agents SDK: every call of the model is paid, within the caps of the agent.
import { type Agent, CountersignError } from 'countersign/client';
import { Agent as ModelAgent, type Model, run, tool } from '@openai/agents';

export const answer = async (agent: Agent, url: string, model: Model, prompt: string) => {
  const tools = (await agent.tools(url)).map(({ name, description, inputSchema, execute }) =>
    tool({
      name,
      description,
      parameters: { properties: {}, required: [], additionalProperties: true, ...inputSchema },
      strict: false,
      execute: async (input) => await execute(input as Record<string, unknown>),
      errorFunction: (_context, error) => reasonOf(error),
    }),
  );
  const shopper = new ModelAgent({ name: 'Shopper', instructions: '', model, tools });
  const { finalOutput } = await run(shopper, prompt);
  return finalOutput ?? '';
};

/** Returns a refusal as the answer, so that the model reads which limit denied the call and what helps. */
const reasonOf = (error: unknown): string =>
  error instanceof CountersignError ? `${error.message} ${error.hint}` : String(error);
