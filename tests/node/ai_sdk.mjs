// The AI SDK with its OpenAI provider: tool loops, structured output, reasoning, errors, abort.

import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";

import { play, shown } from "./scenario.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false; // they would stand between us and the result

const requests = [];

const openai = createOpenAI({
  baseURL: process.env.BASE_URL,
  apiKey: process.env.API_KEY,
  fetch: (url, options) => {
    requests.push(JSON.parse(options.body));
    return fetch(url, options);
  },
});

const Sum = z.object({ steps: z.array(z.string()), result: z.number() });
const tools = {
  get_weather: tool({
    description: "The weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `Sun in ${city}.`,
  }),
};

const options = (store) => ({
  openai: {
    forceReasoning: true,
    reasoningEffort: "low",
    reasoningSummary: "auto",
    ...(store ? {} : { store: false, include: ["reasoning.encrypted_content"] }),
  },
});

const looping = ({ model, store }) => ({
  model: openai(model),
  tools,
  stopWhen: stepCountIs(8),
  providerOptions: options(store),
  maxRetries: 0,
});

// The types of the input items of each request: what the provider makes of a conversation.
const sent = () => requests.map(({ input }) => input.map((item) => item.type ?? item.role));

const told = (result) => ({
  text: result.text,
  finishReason: result.finishReason,
  usage: result.totalUsage,
  thoughts: result.steps.map((step) => step.reasoningText ?? null),
  calls: result.steps.flatMap((step) => step.toolCalls.map((call) => call.input)),
  warnings: result.steps.flatMap((step) => step.warnings ?? []),
});

// Two questions of one conversation, each with a loop of tool calls.
const generate = async (given) => {
  const question = { role: "user", content: "Weather?" };
  const first = await generateText({ ...looping(given), messages: [question] });
  const second = await generateText({
    ...looping(given),
    messages: [question, ...first.response.messages, { role: "user", content: "And now?" }],
  });
  return { first: told(first), second: told(second), sent: sent() };
};

const streamed = async (asked) => {
  const result = streamText({ ...asked, onError: () => {} });
  const parts = [];
  const errors = [];
  let text = "";
  for await (const part of result.fullStream) {
    if (part.type !== parts.at(-1)) parts.push(part.type);
    if (part.type === "text-delta") text += part.text;
    if (part.type === "error") errors.push(part.error);
  }
  return { result, parts, errors, text };
};

const stream = async (given) => {
  const question = { role: "user", content: "Weather?" };
  const first = await streamed({ ...looping(given), messages: [question] });
  const { messages } = await first.result.response;
  const second = await streamed({
    ...looping(given),
    messages: [question, ...messages, { role: "user", content: "And now?" }],
  });
  const whole = async ({ result, parts, errors }) => ({
    parts,
    errors,
    ...told({
      text: await result.text,
      finishReason: await result.finishReason,
      totalUsage: await result.totalUsage,
      steps: await result.steps,
    }),
  });
  return { first: await whole(first), second: await whole(second), sent: sent() };
};

const structured = async ({ model }) => {
  const asked = { model: openai(model), prompt: "2 + 2?", maxRetries: 0 };
  const generated = await generateObject({ ...asked, schema: Sum });
  const output = await generateText({ ...asked, output: Output.object({ schema: Sum }) });
  const streaming = streamObject({ ...asked, schema: Sum });
  let partials = 0;
  for await (const _ of streaming.partialObjectStream) partials += 1;
  return {
    generated: generated.object,
    output: output.output,
    streamed: await streaming.object,
    partials,
  };
};

const chained = async ({ model }) => {
  const first = await generateText({ model: openai(model), prompt: "One." });
  const { responseId } = first.providerMetadata.openai;
  const second = await generateText({
    model: openai(model),
    prompt: "Two.",
    providerOptions: { openai: { previousResponseId: responseId } },
  });
  return { text: second.text, sent: sent() };
};

const errors = async ({ busy, broken, dying }) => {
  const asking = (model) => generateText({ model: openai(model), prompt: "?", maxRetries: 0 });
  const streaming = (model) => streamed({ model: openai(model), prompt: "?", maxRetries: 0 });
  const { text, parts, errors: met } = await streaming(dying);
  return {
    request: await asking("nobody/knows").catch(shown),
    busy: await asking(busy).catch(shown),
    broken: await asking(broken).catch(shown),
    dead: await asking(dying).catch(shown),
    busyStream: (await streaming(busy)).errors.map(shown),
    dyingStream: { text, parts, errors: met },
  };
};

const abort = async ({ model, store }) => {
  const controller = new AbortController();
  const result = streamText({
    model: openai(model),
    prompt: "Count!",
    abortSignal: controller.signal,
    providerOptions: { openai: { store } },
    onError: () => {},
  });
  const parts = [];
  let id = null;
  for await (const part of result.fullStream) {
    parts.push(part.type);
    if (part.type === "text-start") id = part.id;
    if (part.type === "text-delta") controller.abort();
  }
  return { parts, item: id };
};

await play({ generate, stream, structured, chained, errors, abort });
