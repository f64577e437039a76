// openai-node: streams through the helper, parsed answers, stored responses, errors.

import OpenAI, { APIError } from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { play, shown } from "./scenario.mjs";

const client = new OpenAI({
  baseURL: process.env.BASE_URL,
  apiKey: process.env.API_KEY,
  maxRetries: 0,
});

const GetWeather = z.object({ city: z.string() });
const Sum = z.object({ steps: z.array(z.string()), result: z.number() });
const tools = [zodResponsesFunction({ name: "get_weather", parameters: GetWeather })];

const throughTheHelper = async (asked) => {
  const types = [];
  try {
    const stream = client.responses.stream(asked);
    for await (const event of stream) types.push(event.type);
    const final = await stream.finalResponse();
    return { types, final, error: null };
  } catch (error) {
    return { types, final: null, error: { ...shown(error), isApiError: error instanceof APIError } };
  }
};

const streams = async ({ models, tools, reasoning }) => {
  const entries = Object.entries(models).map(async ([name, model]) => [
    name,
    await throughTheHelper({ model, input: "Hello!", tools, reasoning }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
};

const parse = async ({ answering, calling }) => {
  const asked = { input: "2 + 2?", text: { format: zodTextFormat(Sum, "sum") } };
  const answered = await client.responses.parse({ model: answering, ...asked });
  const streamed = await client.responses.stream({ model: answering, ...asked }).finalResponse();
  const called = await client.responses.parse({ model: calling, input: "Weather?", tools });
  return {
    answered: answered.output_parsed,
    streamed: streamed.output_parsed,
    called: called.output.map((item) => item.parsed_arguments),
  };
};

// A conversation by `previous_response_id`, each turn at once after the stream before.
const conversation = async ({ model }) => {
  let response = await client.responses.stream({ model, input: "Weather?", tools }).finalResponse();
  let turns = 1;
  for (;;) {
    const calls = response.output.filter((item) => item.type === "function_call");
    if (calls.length === 0) return { turns, text: response.output_text };
    response = await client.responses
      .stream({
        model,
        tools,
        previous_response_id: response.id,
        input: calls.map(({ call_id, arguments: given }) => ({
          type: "function_call_output",
          call_id,
          output: `Sun: ${given}`,
        })),
      })
      .finalResponse();
    turns += 1;
  }
};

const stored = async ({ model }) => {
  const texts = ["One.", "Two.", "Three."];
  const created = await client.responses.create({
    model,
    input: texts.map((content) => ({ role: "user", content })),
  });
  const kept = await client.responses.retrieve(created.id);
  const items = [];
  for await (const item of client.responses.inputItems.list(created.id, { limit: 1, order: "asc" })) {
    items.push(item.content[0].text);
  }
  const numbers = [];
  for await (const event of await client.responses.retrieve(created.id, {
    stream: true,
    starting_after: 2,
  })) {
    numbers.push(event.sequence_number);
  }
  await client.responses.delete(created.id);
  const gone = await client.responses.retrieve(created.id).catch(shown);
  return { created, kept, items, numbers, gone };
};

// Leave a stream in the middle, join it with the helper.
const rejoin = async ({ model }) => {
  let id, after;
  const pieces = [];
  for await (const event of await client.responses.create({ model, input: "Count!", stream: true })) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") pieces.push(event.delta);
    after = event.sequence_number;
    if (pieces.length === 3) break;
  }
  const stream = client.responses.stream({ response_id: id, starting_after: after });
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") pieces.push(event.delta);
  }
  return { pieces, text: (await stream.finalResponse()).output_text };
};

// Made in the background: polled, streamed and joined, cancelled while it is streamed.
const background = async ({ slow, stalling }) => {
  const queued = await client.responses.create({ model: slow, input: "?", background: true });
  let polled = queued;
  while (polled.status === "queued" || polled.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 50));
    polled = await client.responses.retrieve(queued.id);
  }

  let id, after;
  const kinds = [];
  const asked = { model: slow, input: "?", background: true, stream: true };
  for await (const event of await client.responses.create(asked)) {
    if (event.type === "response.created") id = event.response.id;
    kinds.push(event.type);
    after = event.sequence_number;
    if (event.type === "response.output_text.delta") break;
  }
  const joined = client.responses.stream({ response_id: id, starting_after: after });
  for await (const event of joined) kinds.push(event.type);

  let cancelled;
  const ending = client.responses.stream({ model: stalling, input: "?", background: true });
  for await (const event of ending) {
    if (event.type === "response.created") id = event.response.id;
    if (event.type === "response.output_text.delta") cancelled = await client.responses.cancel(id);
  }
  const final = await ending.finalResponse();
  const again = await client.responses.cancel(id);
  return { queued, polled, kinds, joined: await joined.finalResponse(), cancelled, final, again };
};

// A conversation object: items, two turns, all pages, one item less.
const conversations = async ({ model }) => {
  const items = [{ role: "user", content: "Tea!" }];
  const { id } = await client.conversations.create({ items, metadata: { topic: "tea" } });
  await client.responses.create({ model, input: "Colour?", conversation: id });
  const stream = client.responses.stream({ model, input: "Heat?", conversation: id });
  const { conversation } = await stream.finalResponse();
  await client.conversations.items.create(id, { items: [{ role: "user", content: "When?" }] });
  const kept = [];
  const listed = client.conversations.items.list(id, { order: "asc", limit: 2 });
  for await (const item of listed) kept.push(item);
  const last = kept.at(-1).id;
  await client.conversations.items.delete(last, { conversation_id: id });
  const gone = await client.conversations.items.retrieve(last, { conversation_id: id }).catch(shown);
  const deleted = await client.conversations.delete(id);
  const texts = kept.map((item) => item.content[0].text);
  return { texts, isItsOwn: conversation.id === id, gone: gone.code, deleted: deleted.deleted };
};

const errors = async ({ busy, broken }) => {
  const nobody = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: "sk-wrong", maxRetries: 0 });
  const asking = (model) => client.responses.create({ model, input: "?" });
  return {
    key: await nobody.models.list().catch(shown),
    request: await asking("nobody/knows").catch(shown),
    unknown: await client.responses.retrieve("resp_none").catch(shown),
    busy: await asking(busy).catch((error) => ({
      ...shown(error),
      retryAfter: error.headers.get("retry-after"),
    })),
    broken: await asking(broken).catch(shown),
  };
};

const models = async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  return { ids, demo: await client.models.retrieve("demo") };
};

await play({ streams, parse, conversation, conversations, stored, rejoin, background, errors, models });
