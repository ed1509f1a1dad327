"""Ordinary sentences about a small table, English and Chinese, with what each means ("unread": nothing sure).

They were written before the reader that they are read by. Sentences are read, listed with their reason, or wrong; none
may be wrong. `NOT_YET` names those that are listed although they mean something.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.audit_collection import meaning
from tunebook.audit.judge import audit
from tunebook.audit.judge.cases import Judged
from tunebook.audit.judge.verdicts import SupportVerdict
from tunebook.audit.read import read_record

_ROWS = """
| 1 | 2e-4 | 8 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.812 |
| 2 | 1e-4 | 8 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.795 |
| 3 | 5e-4 | 8 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.827 |
| 4 | 1e-3 | 8 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.731 |
| 5 | 5e-3 | 8 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | failed |
| 6 | 5e-4 | 16 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.836 |
| 7 | 5e-4 | 32 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.841 |
| 8 | 5e-4 | 64 | 16 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.840 |
| 9 | 5e-4 | 16 | 32 | 0.05 | 3 | 16 | linear | q_proj,v_proj | 0.838 |
| 10 | 5e-4 | 8 | 16 | 0 | 3 | 16 | linear | q_proj,v_proj | 0.828 |
| 11 | 5e-4 | 16 | 16 | 0.1 | 3 | 16 | linear | q_proj,v_proj | 0.837 |
| 12 | 5e-4 | 16 | 16 | 0.05 | 5 | 16 | linear | q_proj,v_proj | 0.845 |
| 13 | 5e-4 | 16 | 16 | 0.05 | 8 | 16 | linear | q_proj,v_proj | 0.833 |
| 14 | 5e-4 | 16 | 16 | 0.05 | 3 | 32 | linear | q_proj,v_proj | 0.829 |
| 15 | 5e-4 | 16 | 16 | 0.05 | 5 | 16 | cosine | q_proj,v_proj | 0.846 |
| 16 | 5e-4 | 16 | 16 | 0.05 | 5 | 16 | linear | all-linear | 0.851 |

"""
_HEADER = (
    "| {} | lr | r | alpha | dropout | epochs | batch size | scheduler | target modules | accuracy |\n|" + "---|" * 10
)
_TABLES = {
    "en": f"Baseline: run 1.\n\n{_HEADER.format('run')}{_ROWS}",
    "zh": f"基线是第 1 组，测试集 1000 条。\n\n{_HEADER.format('组')}{_ROWS}",
}

SEEN = [
    ("The best is run 16, acc 0.851.", "best_trial 16"),
    ("A rank of 32 did slightly better than 8.", "levels lora_r 32 against 8 better"),
    ("Going from 3 to 5 epochs helped a bit.", "levels num_train_epochs 5 against 3 better"),
    ("Dropout barely matters.", "no_effect lora_dropout no difference"),
    ("Anything above 1e-3 blew up.", "boundary learning_rate 0.001 above"),
    ("lr 5e-4 turned out to be the best choice.", "best_level learning_rate 0.0005"),
    ("Learning rate was by far the most important knob.", "importance learning_rate"),
    ("cosine beats linear by half a point.", "levels lr_scheduler_type cosine against linear better"),
    ("Increasing the rank improved accuracy.", "trend lora_r better"),
    ("Raising the rank from 32 to 64 brought nothing.", "levels lora_r 64 against 32 no better"),
    ("Run 12 beats run 7.", "trials 12 against 7 better"),
    ("Run 16 improves on the baseline by 3.9 points.", "trials 16 against baseline better"),
    (
        "All-linear is clearly better than q_proj,v_proj.",
        "levels target_modules all-linear against q_proj,v_proj better",
    ),
    ("More epochs did not help.", "trend num_train_epochs no better"),
    ("Smaller batches are not better.", "trend per_device_train_batch_size no worse"),
    ("There was hardly any difference between rank 32 and rank 64.", "levels lora_r 32 against 64 no difference"),
    ("In our experiments, rank 8 underperformed rank 32.", "levels lora_r 8 against 32 worse"),
    ("The learning rate matters much more than the rank.", "importance learning_rate > lora_r"),
    ("Accuracy rose from 0.827 to 0.836 when the rank went from 8 to 16.", "levels lora_r 16 against 8 better"),
    ("5e-4 is better than 1e-4.", "levels learning_rate 0.0005 against 0.0001 better"),
    ("Interestingly, alpha had no effect at all.", "no_effect lora_alpha no difference"),
    (
        "The best configuration was lr=5e-4, r=16, dropout 0.05.",
        "best_trial learning_rate=0.0005, lora_r=16, lora_dropout=0.05",
    ),
    ("Longer training helps up to a point.", "unread"),
    ("Rank 32 is better than rank 16 only at low learning rates.", "unread"),
    ("I would go with rank 16 next time.", "unread"),
    ("Run 7 and run 8 are practically identical.", "trials 7 against 8 no difference"),
    ("Overall, run 16 gives the highest accuracy.", "best_trial 16"),
    ("Compared to rank 8, rank 64 is an improvement of 1.3 points.", "levels lora_r 64 against 8 better"),
    ("Importance: learning rate > epochs > rank.", "importance learning_rate > num_train_epochs > lora_r"),
    ("Rates higher than 1e-3 do not converge.", "boundary learning_rate 0.001 above"),
    ("最好的是第 16 组，acc 0.851。", "best_trial 16"),
    ("r=32 比 r=8 要好一些。", "levels lora_r 32 against 8 better"),
    ("轮数从 3 增加到 5，准确率涨了 0.9 个点。", "levels num_train_epochs 5 against 3 better"),
    ("dropout 基本没啥影响。", "no_effect lora_dropout no difference"),
    ("学习率大于 1e-3 就训崩了。", "boundary learning_rate 0.001 above"),
    ("学习率 5e-4 效果最好。", "best_level learning_rate 0.0005"),
    ("学习率的影响最大。", "importance learning_rate"),
    ("cosine 比 linear 高 0.5 个点。", "levels lr_scheduler_type cosine against linear better"),
    ("秩越高，准确率越高。", "trend lora_r better"),
    ("r 从 32 提到 64 没什么提升。", "levels lora_r 64 against 32 no better"),
    ("第 12 组比第 7 组好。", "trials 12 against 7 better"),
    ("第 16 组比基线高了 3.9 个点。", "trials 16 against baseline better"),
    ("all-linear 明显优于 q_proj,v_proj。", "levels target_modules all-linear against q_proj,v_proj better"),
    ("多训几轮没有帮助。", "trend num_train_epochs no better"),
    ("更大的 batch 并没有更好。", "trend per_device_train_batch_size no better"),
    ("r=32 与 r=64 之间没有明显差异。", "levels lora_r 32 against 64 no difference"),
    ("在我们的实验里，r=8 不如 r=32。", "levels lora_r 8 against 32 worse"),
    ("学习率比秩重要得多。", "importance learning_rate > lora_r"),
    ("秩从 8 提高到 16 后，准确率由 0.827 升到 0.836。", "levels lora_r 16 against 8 better"),
    ("5e-4 比 1e-4 好。", "levels learning_rate 0.0005 against 0.0001 better"),
    ("意外的是，alpha 完全没有影响。", "no_effect lora_alpha no difference"),
    ("最优配置为 lr=5e-4、r=16、dropout=0.05。", "best_trial learning_rate=0.0005, lora_r=16, lora_dropout=0.05"),
    ("训练太久可能会过拟合。", "unread"),
    ("只有在学习率较小时 r=32 才比 r=16 好。", "unread"),
    ("下次打算直接用 r=16。", "unread"),
    ("第 7 组和第 8 组几乎一样。", "trials 7 against 8 no difference"),
    ("总体来看第 16 组准确率最高。", "best_trial 16"),
    ("相比 r=8，r=64 提升了 1.3 个点。", "levels lora_r 64 against 8 better"),
    ("重要性：学习率 > 轮数 > 秩。", "importance learning_rate > num_train_epochs > lora_r"),
    ("学习率高于 1e-3 无法收敛。", "boundary learning_rate 0.001 above"),
]
HELD_BACK = [
    ("Run 16 came out on top with 0.851.", "best_trial 16"),
    ("Rank 16 scored higher than rank 8 (+0.9).", "levels lora_r 16 against 8 better"),
    ("Training for 8 epochs instead of 5 made things worse.", "levels num_train_epochs 8 against 5 worse"),
    ("The batch size made almost no difference.", "no_effect per_device_train_batch_size no difference"),
    ("Training diverged at a learning rate of 5e-3.", "boundary learning_rate 0.005 at"),
    ("The optimal learning rate was 5e-4.", "best_level learning_rate 0.0005"),
    ("What mattered most was the learning rate.", "importance learning_rate"),
    ("The cosine schedule worked better than the linear one.", "levels lr_scheduler_type cosine against linear better"),
    ("Accuracy went up with higher rank.", "trend lora_r better"),
    ("There was no gain from going to rank 64 over rank 32.", "levels lora_r 64 against 32 no better"),
    ("Run 13 was worse than run 12, 0.833 vs 0.845.", "trials 13 against 12 worse"),
    ("Run 2 ended up below the baseline.", "trials 2 against baseline worse"),
    ("A larger batch size did not help.", "trend per_device_train_batch_size no better"),
    ("Lower dropout gave worse results.", "trend lora_dropout better"),
    ("Rank 64 performed about the same as rank 32.", "levels lora_r 64 against 32 no difference"),
    ("The sweet spot for the learning rate seems to be around 5e-4.", "best_level learning_rate 0.0005"),
    ("For this task a rank of 8 was clearly inferior to 32.", "levels lora_r 8 against 32 worse"),
    ("Rank is less important than learning rate.", "importance learning_rate > lora_r"),
    ("Accuracy dropped from 0.836 to 0.833 with 8 epochs.", "levels num_train_epochs 8 worse"),
    ("1e-3 was clearly worse than 5e-4.", "levels learning_rate 0.001 against 0.0005 worse"),
    ("Surprisingly, the scheduler did not matter.", "no_effect lr_scheduler_type no difference"),
    ("Best result so far: run 15 (0.846).", "best_trial 15"),
    ("Rank 32 might be slightly better than rank 16.", "unread"),
    ("It is unclear whether more epochs would help.", "unread"),
    ("We picked 5e-4 for the remaining runs.", "unread"),
    ("Run 10 is on par with run 3.", "trials 10 against 3 no difference"),
    ("The highest accuracy (0.851) was obtained by run 16.", "best_trial 16"),
    ("Relative to linear, cosine gained 0.5 points.", "levels lr_scheduler_type cosine against linear better"),
    (
        "In order of impact: learning rate, target modules, epochs, rank.",
        "importance learning_rate > target_modules > num_train_epochs > lora_r",
    ),
    ("At 5e-3 the loss exploded.", "boundary learning_rate 0.005 at"),
    ("效果最好的一组是第 16 组（0.851）。", "best_trial 16"),
    ("r=16 相对 r=8 有小幅提升（+0.9）。", "levels lora_r 16 against 8 better"),
    ("训练 8 轮反而不如 5 轮。", "levels num_train_epochs 8 against 5 worse"),
    ("batch size 对结果几乎没有影响。", "no_effect per_device_train_batch_size no difference"),
    ("学习率 5e-3 时 loss 直接飞了。", "boundary learning_rate 0.005 at"),
    ("最合适的学习率是 5e-4。", "best_level learning_rate 0.0005"),
    ("对结果影响最大的还是学习率。", "importance learning_rate"),
    ("余弦调度比线性调度稍好。", "levels lr_scheduler_type cosine against linear better"),
    ("随着秩增大，准确率逐渐提升。", "trend lora_r better"),
    ("把 r 从 32 加到 64 几乎没有收益。", "levels lora_r 64 against 32 no better"),
    ("第 13 组的准确率低于第 12 组。", "trials 13 against 12 worse"),
    ("第 2 组还不如基线。", "trials 2 against baseline worse"),
    ("增大 batch size 没有用。", "trend per_device_train_batch_size no better"),
    ("降低 dropout 会使效果变差。", "trend lora_dropout better"),
    ("r=64 和 r=32 差不多。", "levels lora_r 64 against 32 no difference"),
    ("学习率的最佳值在 5e-4 左右。", "best_level learning_rate 0.0005"),
    ("对这个任务来说，r=8 明显比 r=32 差。", "levels lora_r 8 against 32 worse"),
    ("秩没有学习率重要。", "importance learning_rate > lora_r"),
    ("训练 8 轮时准确率从 0.836 掉到 0.833。", "levels num_train_epochs 8 worse"),
    ("1e-3 明显差于 5e-4。", "levels learning_rate 0.001 against 0.0005 worse"),
    ("有意思的是，学习率调度器影响不大。", "no_effect lr_scheduler_type no difference"),
    ("目前最高的是第 15 组，0.846。", "best_trial 15"),
    ("r=32 也许比 r=16 略好。", "unread"),
    ("还不清楚更多轮数有没有用。", "unread"),
    ("后面的实验统一用 5e-4。", "unread"),
    ("第 10 组与第 3 组持平。", "trials 10 against 3 no difference"),
    ("准确率最高的是第 16 组（0.851）。", "best_trial 16"),
    ("与 linear 相比，cosine 提高了 0.5 个百分点。", "levels lr_scheduler_type cosine against linear better"),
    (
        "影响从大到小依次是学习率、目标模块、轮数、秩。",
        "importance learning_rate > target_modules > num_train_epochs > lora_r",
    ),
    ("学习率 5e-3 时训练直接发散。", "boundary learning_rate 0.005 at"),
]

COUNTERED = [
    # a form, and what looks like it and says something else
    ("Rank 16 was worth 0.009 over rank 8.", "levels lora_r 16 against 8 better"),
    ("Rank 16 is worth a little under a point over rank 8.", "levels lora_r 16 against 8 better"),
    ("Rank 16 is not worth 0.9 points over rank 8.", "unread"),
    ("Rank 16 is worth 2 hours over rank 8.", "unread"),
    ("Rank 16 might be worth 0.9 points over rank 8.", "unread"),
    ("8 epochs lose 1.2 points against five.", "levels num_train_epochs 8 against 5 worse"),
    ("8 epochs lose 1.2 GB against five.", "unread"),
    ("A batch size of 32 cost us 0.7 points.", "levels per_device_train_batch_size 32 worse"),
    ("A batch size of 32 cost us 0.7 GB.", "unread"),
    ("Rank 16 adds only 0.9 points over rank 8.", "levels lora_r 16 against 8 better"),
    ("Rank 16 adds 0.9 points of latency over rank 8.", "unread"),
    ("Eight epochs instead of five: clearly worse.", "levels num_train_epochs 8 against 5 worse"),
    ("Rank 8 is better than two.", "unread"),
    ("5e-4 is still ahead of 1e-4, by one point.", "levels learning_rate 0.0005 against 0.0001 better"),
    ("5e-4 is still ahead of 1e-4 after 150 steps.", "unread"),
    ("With lr 5e-3 the loss goes to nan within the first 150 steps.", "boundary learning_rate 0.005 at"),
    ("Rank 8 is too small: 0.9 points below rank 16.", "levels lora_r 8 against 16 worse; unread"),
    ("Rank 8 is not too small: 0.9 points below rank 16.", "unread"),
    ("Rank 8 is too small if lr is low: 0.9 points below rank 16.", "unread"),
    ("More epochs did not pay off: 8 scored lower than 5.", "levels num_train_epochs 8 against 5 worse"),
    ("Going from 1e-4 to 5e-4 paid off on both seeds.", "levels learning_rate 0.0005 against 0.0001 better"),
    ("Going from 1e-4 to 5e-4 paid off on one seed.", "unread"),
    ("Run 16 has the highest accuracy of everything I tried.", "best_trial 16"),
    ("Run 4 has the lowest accuracy of everything I tried.", "unread"),
    ("My winner is run 16.", "best_trial 16"),
    ("Training without dropout is worse than with a dropout of 0.05.", "levels lora_dropout 0 against 0.05 worse"),
    ("No dropout is better than 0.05.", "unread"),
    ("Run 10 came out above run 3.", "trials 10 against 3 better"),
    ("Run 10 came out of nowhere above run 3.", "unread"),
    ("Pseudo-labelling on top of that gave roughly another 0.002.", "unread"),
    ("I have the feeling that one category spoils everything.", "unread"),
    ("秩方面，r=32 优于 r=16。", "levels lora_r 32 against 16 better"),
    ("学习率方面，r=32 优于 r=16。", "unread"),
    ("r 从 16 再加到 32，并没有提升。", "levels lora_r 32 against 16 no better"),
    ("r=64 甚至还不如 r=8。", "levels lora_r 64 against 8 worse"),
    ("r=64 甚至可能不如 r=8。", "unread"),
    ("当学习率由 5e-4 增大到 1e-3 时，准确率下降。", "levels learning_rate 0.001 against 0.0005 worse"),
    ("当 r=16 时，学习率 1e-3 不如 5e-4。", "levels learning_rate 0.001 against 0.0005 worse"),
    ("第 7 组较第 3 组提高 1.4 个百分点。", "trials 7 against 3 better"),
    ("第 7 组的显存较第 3 组提高 1.4 个百分点。", "unread"),
    ("第 16 组取得最佳结果。", "best_trial 16"),
    ("第 16 组没有取得最佳结果。", "unread"),
    ("5 轮优于 3 轮，已经过拟合。", "levels num_train_epochs 5 against 3 better; unread"),
    ("综合下来最好的是第 16 组，准确率 0.851。", "best_trial 16"),
    (
        "将适配器作用于 all-linear 优于仅作用于 q_proj,v_proj。",
        "levels target_modules all-linear against q_proj,v_proj better",
    ),
    ("Rank 32 trails rank 64 by 0.2 points.", "levels lora_r 32 against 64 worse"),
    ("Rank 16 is a step up from rank 8.", "levels lora_r 16 against 8 better"),
    ("Rank 16 would be a step up from rank 8.", "unread"),
    ("Bumping the rank from 8 to 32 bought us nothing.", "levels lora_r 32 against 8 no better"),
    ("Cosine is marginally better than linear, but within noise.", "unread"),
    ("Going up to 1e-3 hurt.", "levels learning_rate 0.001 worse"),
    ("Going further up to 1e-3 hurt.", "unread"),
    ("r 拉满到 64 没什么收益。", "unread"),
    ("r=16 比 r=8 提了 0.9 个点。", "levels lora_r 16 against 8 better"),
    ("r=16 比 r=8 略好，但在误差范围内。", "unread"),
    ("r 从 8 拉到 32，涨了 1.4 个点。", "levels lora_r 32 against 8 better"),
    ("r 从 8 拉到 32，显存涨了 1.4 个点。", "unread"),
]

NEXT = [
    ("At rank 16, alpha 32 is better than alpha 16.", "levels lora_alpha 32 against 16 better"),
    ("At rank 16, alpha 32 is better than alpha 16, dropout 0.1 is worse.", "unread"),
    ("Alpha 32 is better than alpha 16 only at rank 16.", "unread"),
    ("Alpha 32 is better than alpha 16 at rank 16.", "levels lora_alpha 32 against 16 better"),
    ("At rank 16, lr 1e-3 is best.", "unread"),
    ("r=16 时 alpha 32 比 alpha 16 好。", "levels lora_alpha 32 against 16 better"),
    ("r=16 时把 alpha 从 16 提到 32，还能再涨 0.2 个点。", "levels lora_alpha 32 against 16 better"),
    ("r=16 时把 alpha 提到 32，还能再涨。", "unread"),
    ("r=16 的时候 alpha 32 比 alpha 16 好，除了 r=8。", "unread"),
    ("Rank 16 is better than rank 8 under both learning rates.", "levels lora_r 16 against 8 better"),
    ("Rank 16 is better than rank 8, but not at all learning rates.", "unread"),
    ("Rank 16 is better than rank 8 at most learning rates.", "unread"),
    ("lr 从 2e-4 提到 5e-4，三个秩上都涨了 1 个点以上。", "levels learning_rate 0.0005 against 0.0002 better"),
    ("lr 从 2e-4 提到 5e-4，三个秩里只有一个涨了。", "unread"),
    (
        "lr 2e-4 is too timid, 5e-4 gains about 1.5 points over it.",
        "levels learning_rate 0.0005 against 0.0002 better; unread",
    ),
    (
        "lr 1e-4 is too low, it gives 1.7 points less than 2e-4.",
        "levels learning_rate 0.0001 against 0.0002 worse; unread",
    ),
    ("lr 1e-4 is too low, it might give less than 2e-4.", "unread"),
    ("5 epochs is not enough: 0.6 points below 8 epochs.", "levels num_train_epochs 5 against 8 worse; unread"),
    ("r=8 明显不够用，比 r=16 低 0.9 个点。", "levels lora_r 8 against 16 worse; unread"),
    ("r=8 明显不够用，可能比 r=16 低 0.9 个点。", "unread"),
    ("5e-3 太猛，直接跑飞。", "boundary learning_rate 0.005 at; unread"),
    ("r=16 最好，直接跑飞。", "unread"),
    ("There is no real difference between dropout 0.1 and 0.05.", "levels lora_dropout 0.1 against 0.05 no difference"),
    ("There is no real difference at dropout 0.1.", "unread"),
    (
        "Learning rate first, then rank, then epochs: that is the order of importance.",
        "importance learning_rate > lora_r > num_train_epochs",
    ),
    ("学习率最关键，其次是 epoch，rank 排最后。", "importance learning_rate > num_train_epochs > lora_r"),
    ("影响最大的是学习率，其次是 epoch，最后是 r。", "importance learning_rate > num_train_epochs > lora_r"),
    ("影响最大的是学习率，其次是 epoch，最后是数据。", "unread"),
    ("训 5 个 epoch 好于训 3 个。", "levels num_train_epochs 5 against 3 better"),
    ("r 从 32 加到 64 没看到收益。", "levels lora_r 64 against 32 no better"),
    ("没看到 r=64 的收益曲线。", "unread"),
    ("5e-3 diverged within the first hundred steps.", "boundary learning_rate 0.005 at"),
    ("Best of all sixteen: run 16.", "best_trial 16"),
    ("Evaluation takes up nearly half of the wall time.", "unread"),
    ("长文本的题目仍然是主要错误来源。", "unread"),
]
"""Conditions, opinions before a comparison, and what says that something holds throughout; with what only looks so."""

NOT_YET: frozenset[str] = frozenset(
    (
        "Accuracy rose from 0.827 to 0.836 when the rank went from 8 to 16.",
        "The sweet spot for the learning rate seems to be around 5e-4.",
        "The highest accuracy (0.851) was obtained by run 16.",
    )
)


def read(sentence: str) -> str:
    """What a sentence below the table was read as."""
    table = _TABLES["en" if sentence.isascii() else "zh"]
    last = table.count("\n")
    claims = [c for c in read_record(f"{table}{sentence}\n".encode(), "notes.md").claims if c.line > last]
    return "; ".join(
        meaning(cast("Judged", SimpleNamespace(claim=c))).removesuffix(" better")
        if c.kind == "unread"
        else meaning(cast("Judged", SimpleNamespace(claim=c)))
        for c in claims
    )


@pytest.mark.parametrize(("sentence", "means"), [*SEEN, *HELD_BACK, *COUNTERED, *NEXT])
def test_an_ordinary_sentence_is_read_or_listed_and_never_wrong(sentence: str, means: str) -> None:
    assert (read(sentence) == means) is (sentence not in NOT_YET)


def test_a_comparison_under_a_condition_is_decided_by_pairs_that_have_it() -> None:
    header = "| run | lr | r | accuracy |\n|---|---|---|---|\n"
    rows = "| 1 | 1e-4 | 8 | 0.80 |\n| 2 | 1e-4 | 16 | 0.83 |\n| 3 | 2e-4 | 8 | 0.85 |\n| 4 | 2e-4 | 16 | 0.82 |\n"
    said = "At lr {}, rank 16 beats rank 8.\n\n"
    record = f"Baseline: run 1.\n\n{header}{rows}\n" + said.format("1e-4") + said.format("2e-4") + said.format("5e-4")
    report = audit(read_record(record.encode(), "notes.md"), examples=1000)
    assert [[c.pairs for c in j.comparisons] for j in report.claims] == [[(("2", "1"),)], [(("4", "3"),)], []]
    assert report.claims[1].verdict is SupportVerdict.CANNOT_HOLD
