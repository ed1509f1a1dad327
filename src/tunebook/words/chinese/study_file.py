"""The comments of the study file that `init` writes, in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from tunebook.words.chinese.common import ChinesePieces

__all__ = ["ChineseStudyFile"]

_COMMENTS = {
    "alpha_rule": "改变 lora_r 时保持 alpha/r 不变；fixed 则保持 alpha 不变",
    "budget": "也可写 hours: 8，或两者都写",
    "design": "用较少的实验找到好的设置；one_factor 则逐个检验每个参数的作用",
    "margin": "准确率相差 3 个百分点以内对您无关紧要",
    "margin_nats": "每 token 相差 0.03 nats（困惑度的 3%）以内对您无关紧要",
    "simulated": "不做训练，结果都是虚构的；要训练，请删去本行并写上模型",
    "seed": "所有随机性都由它决定",
    "report": "en 或 zh",
    "no_test": "未找到：没有测试集就无法在新样本上确认结论",
    "test_not_looked_for": "只在名为 train.* 的文件旁寻找；没有测试集就无法在新样本上确认结论",
    "group": "还会按该字段分组报告准确率",
    "learning_rate": "常用的起点；研究会寻找更好的值",
    "per_device_train_batch_size": "乘以梯度累积 = 优化器每步的样本数",
    "gradient_accumulation_steps": "如何按显存拆分批次由程序决定，不必改",
    "num_train_epochs": "遍历训练数据的次数",
    "lora_r": "适配器的 rank",
    "lora_alpha": "以 alpha/r 起作用",
    "lora_dropout": "常用的起点",
    "space.learning_rate": "取值范围；具体取值由规划器安排",
    "space.lora_r": "取值列表",
    "space.lora_dropout": "其中包括基线自己的值",
    "data.prompt_told": "模型看到的提示",
    "space.num_train_epochs": "与学习率一起调整",
    "data.prompt": "根据各列内容推测；不对请修改，其他列也可以写进花括号",
    "data.completion": "要学习并评分的答案",
    "data.format": "依照数据配置",
    "data.columns": "数据中各列的名称",
    "data.names": "答案是数字；写出 0、1……代表的名称，通常学得更好",
    "numbers": "答案以数字结尾；以回答中最后一个数字为准",
    "json_answers": "答案是 JSON：按字段计算 F1；也可用 json_valid 或给出 schema",
    "open_texts": "答案是较长的开放文本：看模型认为它们有多可能；也可用 rouge_l、chrf",
    "data.tests": "检验答案的代码",
    "code": "答案是带测试的代码：在受限进程中运行；plan 和 run 首次运行前会询问",
    "free_texts": "答案是自由文本：按与标准答案共有的词计分；也可用 rouge_l、bleu、chrf",
}


class ChineseStudyFile(ChinesePieces):
    """One comment for each value."""

    def comment(self, key: str) -> str:
        return _COMMENTS[key]

    def comment_labels(self, n: int, first: Sequence[str]) -> str:
        return f"{n} 种答案：{'、'.join(first)}{'……' if n > len(first) else ''}"

    def comment_short_answers(self, longest: int) -> str:
        return f"答案较短，最多 {longest} 个字符"

    def comment_train(self, rows: int, form: str, keys: str) -> str:
        return f"{rows} 条，{form}（{keys}）"

    def comment_validation(self, examples: int, effect: float | None) -> str:
        return f"{examples} 个样本{self._shows(effect)}"

    def _shows(self, effect: float | None) -> str:
        return "" if effect is None else f"，最先的比较在其上进行，能检出 {self.amount(effect)} {self.unit}以上的差异"

    def comment_no_validation(self, examples: int, effect: float | None, is_oddly_named: bool) -> str:
        why = "只在名为 train.* 的文件旁寻找" if is_oddly_named else "未找到"
        return f"{why}：从训练数据中分出约 {examples} 条{self._shows(effect)}"

    def comment_test(self, examples: int, effect: float | None) -> str:
        return f"{examples} 个样本，只在最后使用一次{self._shows(effect)}"

    def comment_train_rows(self, rows: int) -> str:
        return f"共 {rows} 条，按种子抽取以节省时间；删去本行则用全部数据"

    def comment_max_length(self, tokens: int) -> str:
        return f"最长的一条估计不超过 {tokens} 个 token；plan 会精确计数"

    def comment_few_levels(self, trials: int) -> str:
        return f"取值较少，因为 {trials} 个实验只够做少数比较"
