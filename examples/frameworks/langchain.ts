// Tools of a gateway in LangChain.js: every call of the model is paid, within the caps of the agent.
import { type Agent, CountersignError } from 'countersign/client';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { DynamicStructuredTool } from '@langchain/core/tools';

/** Binds a model that supports tools: `bindTools` is optional in the base class. */
type ToolModel = BaseChatModel & Required<Pick<BaseChatModel, 'bindTools'>>;

export const answer = async (agent: Agent, url: string, model: ToolModel, prompt: string) => {
  const tools = (await agent.tools(url)).map(
    ({ name, description, inputSchema, execute }) =>
      new DynamicStructuredTool({
        name,
        description,
        schema: inputSchema,
        func: async (input: Record<string, unknown>) => await execute(input).catch(reasonOf),
      }),
  );
  const bound = model.bindTools(tools);
  const messages: BaseMessage[] = [new HumanMessage(prompt)];
  for (let step = 0; step < 8; step += 1) {
    const said = await bound.invoke(messages);
    messages.push(said);
    if (said.tool_calls === undefined || said.tool_calls.length === 0) return said.text;
    for (const call of said.tool_calls) {
      const called = tools.find(({ name }) => name === call.name);
      messages.push(
        called === undefined
          ? new ToolMessage(`There is no tool ${call.name}.`, call.id ?? '')
          : ((await called.invoke({ ...call, type: 'tool_call' })) as ToolMessage),
      );
    }
  }
  return '';
};

/** Returns a refusal as the answer, so that the model reads which limit denied the call and what helps. */
const reasonOf = (error: unknown): string =>
  error instanceof CountersignError ? `${error.message} ${error.hint}` : String(error);
