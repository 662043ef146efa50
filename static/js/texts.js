// @ts-check
/**
 * The page's own words, in English and Chinese; the hub says its own by itself.
 */

/** @type {Record<string, [english: string, chinese: string]>} */
const TEXTS = {
  tagline: ["Run a command, watch it live.", "运行命令，实时查看。"],
  tasks: ["Tasks", "任务"],
  tidy: ["Clear finished", "清除已结束"],
  run: ["Run", "运行"],
  runCommand: ["Run a command", "运行命令"],
  tryIt: ["Try one", "试一试"],
  command: ["Command", "命令"],
  commandName: ["Name of the command", "命令名称"],
  options: ["Options", "选项"],
  cache: ["Cache", "缓存"],
  cacheUse: ["use a cached answer", "使用缓存结果"],
  cacheRefresh: ["compute anew, then cache", "重新计算并缓存"],
  cacheOff: ["neither read nor write", "不读也不写"],
  deadline: ["Deadline, in seconds", "期限（秒）"],
  params: ["Params, as a JSON object", "参数（JSON 对象）"],
  noParams: ["This command takes no parameters.", "此命令没有参数。"],
  asJson: ["JSON value", "JSON 值"],
  optional: ["optional", "可选"],
  unset: ["not set", "未设置"],
  unsetIs: ["default: {value}", "默认：{value}"],
  yes: ["yes", "是"],
  no: ["no", "否"],
  needed: ["Please fill this in.", "请填写此项。"],
  notJson: ["This is not JSON.", "这不是有效的 JSON。"],
  notObject: ["This must be a JSON object: {…}", "必须是 JSON 对象：{…}"],
  notNumber: ["This is not a number.", "这不是数字。"],
  notInteger: ["This must be a whole number.", "必须是整数。"],
  loadingPlugins: ["Asking the hub what it offers…", "正在读取插件列表…"],
  noPlugins: ["This hub has no plugins yet.", "此服务还没有插件。"],
  noCatalogue: [
    "The list of plugins could not be read ({reason}).",
    "无法读取插件列表（{reason}）。",
  ],
  again: ["Try again", "重试"],
  refusedPlugins: ["Refused plugins: {n}", "被拒绝的插件：{n}"],
  cannotRun: ["Cannot be run: {reason}", "无法运行：{reason}"],
  emptyTitle: ["Nothing runs here yet", "这里还没有任务"],
  emptyText: [
    "Pick a command and run it. What it sends appears here while it works; a reload or a lost connection changes nothing.",
    "选择一个命令并运行。输出会实时显示在这里；刷新页面或断开连接都不会影响任务。",
  ],
  connecting: ["Connecting", "连接中"],
  live: ["Live", "已连接"],
  lag: ["{n} ms", "{n} 毫秒"],
  stale: ["Stale: no answer", "无响应"],
  waiting: ["Reconnecting in {n} s", "{n} 秒后重连"],
  offline: ["Offline", "离线"],
  stopped: ["Stopped by the hub ({code})", "服务端已断开（{code}）"],
  now: ["now", "立即"],
  asOf: [
    "Not connected: what you see is as of {time}. A lost connection ends no task.",
    "未连接：显示的是 {time} 的状态。断开连接不会结束任务。",
  ],
  cancel: ["Cancel", "取消"],
  cancelling: ["Cancelling…", "正在取消…"],
  cancelLater: ["Cancels on reconnect", "重连后取消"],
  runAgain: ["Run again", "再次运行"],
  dismiss: ["Remove from this page", "从页面移除"],
  link: ["Link to this task", "任务链接"],
  sending: ["sending", "发送中"],
  created: ["waiting", "等待中"],
  running: ["running", "运行中"],
  completed: ["completed", "已完成"],
  failed: ["failed", "失败"],
  cancelled: ["cancelled", "已取消"],
  refused: ["refused", "被拒绝"],
  lost: ["unknown", "未知"],
  lastSeen: ["last seen {status}", "最后状态：{status}"],
  progress: ["Progress", "进度"],
  unknownProgress: ["working", "进行中"],
  position: ["place {n} in the queue", "排队第 {n} 位"],
  steps: ["{step} of {total}", "{step} / {total}"],
  eta: ["about {time} left", "约剩 {time}"],
  quiet: ["has said nothing for {time}", "已 {time} 没有消息"],
  retryAt: ["next attempt at {time}", "下次尝试：{time}"],
  notFound: [
    "The hub does not know this task any more, or never did.",
    "服务端没有（或不再有）此任务。",
  ],
  hubChanged: [
    "The hub's store was replaced: what became of this task is not known. What you see is what was last seen.",
    "服务端的存储已更换：此任务的结果未知。显示的是最后看到的内容。",
  ],
  forbidden: ["This task may not be read: {reason}", "无权查看此任务：{reason}"],
  tooLarge: ["The request is over the hub's limit of {n} bytes.", "请求超过服务端上限（{n} 字节）。"],
  retryIn: ["The hub asks to try again in {time}.", "请在 {time} 后重试。"],
  cancelFailed: ["Could not be cancelled: {reason}", "无法取消：{reason}"],
  output: ["Output", "输出"],
  logs: ["Log", "日志"],
  response: ["TaskResponse", "TaskResponse"],
  responseCut: ["The first {n} characters are shown.", "仅显示前 {n} 个字符。"],
  wholeResult: ["Whole result", "完整结果"],
  rowsShown: ["rows {from} to {to} of {total}", "第 {from}–{to} 行，共 {total} 行"],
  itemsShown: ["{from} to {to} of {total}", "{from}–{to}，共 {total}"],
  dropped: ["the oldest {n} are no longer kept here", "最早的 {n} 条已不在此保存"],
  earlier: ["Earlier", "较早"],
  later: ["Later", "较新"],
  newest: ["Newest", "最新"],
  save: ["Save", "保存"],
  textCut: ["Only the end is shown: {n} more characters came before.", "仅显示末尾：之前还有 {n} 个字符。"],
  gap: ["Entries {from} to {to} are missing ({why}).", "缺少第 {from} 到 {to} 条（{why}）。"],
  attempt: ["attempt {n}", "第 {n} 次尝试"],
  queued: ["queued {time}", "排队 {time}"],
  ran: ["ran {time}", "运行 {time}"],
  chunks: ["chunks: {n}", "数据块：{n}"],
  existing: ["already accepted", "已接受过"],
  joined: ["joined a running task", "合并到运行中的任务"],
  fromCache: ["from the cache", "来自缓存"],
  said: ["{name}: {status}", "{name}：{status}"],
  presetCountdown: ["Countdown", "倒计时"],
  presetChunks: ["10,000 chunks", "1 万个数据块"],
  presetRows: ["Table of powers", "幂次表"],
  presetFailure: ["A failure", "一次失败"],
  presetSeattle: ["Seattle’s weather, 2015", "西雅图 2015 年天气"],
  presetNewYork: ["New York, 2012 to 2015", "纽约 2012–2015 天气"],
};

const isChinese = /^zh\b/i.test(navigator.language);

/** The language of the page, for `lang`. */
export const language = isChinese ? "zh-CN" : "en";

/**
 * A text of the page.
 * @param {string} name
 * @param {Record<string, string | number>} [values] For its `{placeholders}`.
 * @returns {string}
 */
export function text(name, values = {}) {
  const template = TEXTS[name]?.[isChinese ? 1 : 0] ?? name;
  return template.replace(/\{(\w+)\}/g, (whole, key) => String(values[key] ?? whole));
}

/**
 * A number as people write it here.
 * @param {number} value
 */
export function number(value) {
  return value.toLocaleString(navigator.language);
}

/**
 * A length of time, with as much precision as it deserves.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const clock = [Math.floor(seconds / 60) % 60, seconds % 60];
  const [minutes, rest] = clock.map((part) => String(part).padStart(2, "0"));
  return `${Math.floor(seconds / 3600)}:${minutes}:${rest}`;
}

/**
 * A moment of today, by the clock on the wall.
 * @param {Date | string} moment
 */
export function clock(moment) {
  return new Date(moment).toLocaleTimeString(navigator.language);
}
